// A run as the page knows it: its events by kind, and the newest event of a kind at a step.
// @ts-check

import { lastUpTo } from "../common/maths.js";
import { soonOf } from "../common/server.js";

/** @import { EventsByKind, Kind } from "../event_types.js" */
/** @import { Series, SeriesStyle, Since, WatchServer } from "../types.js" */
/**
 * @template {Kind} K
 * @typedef {{steps: number[], events: EventsByKind[K][]}} Log the events of one kind, in the order of their steps
 */

const ACTIVE = ["loading", "running", "waiting", "paused", "stopping"];
const NO_FRAMES = ["started", "loss", "snapshot", "status"];

export class Tape {
  /** @param {string} run its id */
  constructor(run) {
    this.run = run;
    this.name = run;
    this.status = "";
    this.message = "";
    this.error = "";
    /** @type {string[]} */
    this.emits = [];
    /** The planned number of steps. */
    this.steps = 0;
    /** @type {import("../types.js").RunConfig} */
    this.config = { method: "" };
    this.family = "";
    this.layered = false;
    this.pictures = false;
    this.recording = false;
    this.early = false;
    /** @type {number | null} */
    this.kept = null;
    /** @type {import("../types.js").Score | null} */
    this.score = null;
    /** @type {import("../types.js").Better | null} */
    this.better = null;
    /** @type {number | null} */
    this.epoch = null;
    this.loaded = false;
    /** When the server was asked last, by the browser's clock. */
    this.asked = 0;
    this.pulling = false;
    this.cursor = 0;
    /** @type {{[K in Kind]?: Log<K>}} */
    this.kinds = {};
    /** Steps that have a frame, and the last step. @type {number[]} */
    this.positions = [];
    /** The last step that an event told of. */
    this.last = 0;
  }

  get active() {
    return ACTIVE.includes(this.status);
  }

  /** Where an axis of steps ends: at the run's last step, so that it stands still while the run grows. */
  get end() {
    return Math.max(this.last, this.steps, 1);
  }

  /**
   * How much of the run is known: what was drawn of the whole of it may be kept until that changes, also where the same
   * run was opened again meanwhile.
   */
  get key() {
    return `${this.run} ${this.epoch} ${this.cursor}`;
  }

  /**
   * Take in an answer of the server's `since`. An answer of another epoch (the run's file was written anew) begins
   * again from nothing.
   *
   * @param {Since} answer
   */
  take(answer) {
    const { name, status, message, emits, steps, config } = answer;
    const { family, layered, pictures, recording, early, kept, score, better } = answer;
    if (answer.epoch !== this.epoch) Object.assign(this, { kinds: {}, positions: [], last: 0 });
    Object.assign(this, {
      name,
      status,
      message,
      emits,
      steps,
      config,
      family,
      layered,
      pictures,
      recording,
      early,
      kept,
      score,
      better,
    });
    Object.assign(this, { epoch: answer.epoch, cursor: answer.cursor, error: "", loaded: !answer.more });
    for (const event of answer.events) {
      const log = this.#log(event.kind);
      log.steps.push(event.step);
      log.events.push(event);
      this.last = Math.max(this.last, event.step);
    }
    if (!answer.events.length) return;
    const frames = Object.entries(this.kinds).filter(([kind]) => !NO_FRAMES.includes(kind));
    const stepsOfFrames = new Set(frames.flatMap(([, log]) => log.steps));
    this.positions = [...stepsOfFrames.add(this.last)].sort((a, b) => a - b);
  }

  /**
   * @param {Kind} kind
   * @returns {{steps: number[], events: object[]}}
   */
  #log(kind) {
    const log = this.kinds[kind] ?? { steps: [], events: [] };
    Object.assign(this.kinds, { [kind]: log });
    return log;
  }

  /**
   * All events of a kind.
   *
   * @template {Kind} K
   * @param {K} kind
   * @returns {EventsByKind[K][]}
   */
  all(kind) {
    return this.kinds[kind]?.events ?? [];
  }

  /**
   * The steps of all events of a kind.
   *
   * @param {Kind} kind
   */
  stepsOf(kind) {
    return this.kinds[kind]?.steps ?? [];
  }

  /**
   * One number of all events of a kind over their steps, as a line of a chart.
   *
   * @template {Kind} K
   * @param {K} kind
   * @param {(event: EventsByKind[K]) => number} value
   * @param {SeriesStyle} [style]
   * @returns {Series}
   */
  series(kind, value, style = {}) {
    return { steps: this.stepsOf(kind), values: this.all(kind).map(value), ...style };
  }

  /**
   * The newest event of a kind that is not later than a step, or null.
   *
   * @template {Kind} K
   * @param {K} kind
   * @param {number} step
   * @returns {EventsByKind[K] | null}
   */
  at(kind, step) {
    return this.all(kind)[lastUpTo(this.stepsOf(kind), step)] ?? null;
  }

  /**
   * Position of the frame nearest to a step.
   *
   * @param {number} step
   */
  position(step) {
    const below = Math.max(0, lastUpTo(this.positions, step));
    const above = Math.min(below + 1, this.positions.length - 1);
    return step - this.positions[below] <= this.positions[above] - step ? below : above;
  }
}

/**
 * Fetch what is new of a run; resolves to whether the server answered.
 *
 * @param {Pick<WatchServer, "since">} server
 * @param {Tape} tape
 */
export const pull = async (server, tape) => {
  for (;;) {
    const { run, cursor, epoch } = tape;
    const answer = await soonOf(server.since({ run, cursor, epoch }));
    if (!answer) return false;
    if (answer.error !== undefined) {
      tape.error = answer.error;
      return true;
    }
    tape.take(answer);
    if (!answer.more) return true;
  }
};
