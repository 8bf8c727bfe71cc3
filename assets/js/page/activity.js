// The active run on Runs: what it takes of the machine, and its log as it is written.
// @ts-check

import { button, el, find } from "../common/dom.js";
import { subscribeLive } from "../common/live.js";
import { openedTab } from "../common/navigation.js";
import { soonOf } from "../common/server.js";
import { clock, figure, fill } from "../common/text.js";
import { saveText } from "./save.js";

/** @import { ActivityServer, LogEvent, LogPage, MachineUse, Words } from "../types.js" */

const POLL_MS = 2000;
const LINES_SHOWN = 200;
const LOSSES = 100; // of a short run's losses as many lines at most
const EVERY = 20; // steps, of a long run
const ANSWER = 120; // characters of an answer
const GIB = 2 ** 30;

/**
 * What the workbench takes of the machine, in a line.
 *
 * @param {MachineUse} use
 * @param {Words} words
 */
export const machineLine = (use, words) => {
  /** @param {number} bytes */
  const gib = (bytes) => (bytes / GIB).toFixed(1);
  const memory = fill(words["activity.memory"], {
    used: gib(use.memory_bytes),
    free: gib(use.memory_free_bytes),
    total: gib(use.memory_total_bytes),
  });
  const cpu = fill(words["activity.cpu"], { share: Math.round(100 * use.cpu) });
  if (!use.gpu_total_bytes) return `${memory} · ${cpu}`;
  const gpu = fill(words["activity.gpu"], { used: gib(use.gpu_bytes), total: gib(use.gpu_total_bytes) });
  return `${memory} · ${cpu} · ${gpu}`;
};

/**
 * A line of the log; empty where nothing is to be told, as of most losses.
 *
 * @param {LogEvent} event
 * @param {number} steps of the run
 * @param {Words} words
 */
export const logLine = (event, steps, words) => {
  const every = Math.min(EVERY, Math.max(1, Math.ceil(steps / LOSSES)));
  if (event.kind === "loss" && event.step % every) return "";
  const text = TOLD[event.kind](event, words);
  return text && fill(words["activity.line"], { step: event.step, text });
};

/** @type {Record<string, (event: LogEvent, words: Words) => string>} */
const TOLD = {
  started: ({ steps, trainable, total, wall = 0 }, words) =>
    fill(words["activity.started"], { steps, n: trainable, total, at: new Date(1000 * wall).toLocaleTimeString() }),
  loss: ({ loss, lr, tokens_per_s = 0, wall_s = 0 }, words) =>
    fill(words["activity.loss"], {
      loss: figure(loss),
      lr: figure(lr),
      speed: Math.round(tokens_per_s),
      time: clock(wall_s),
    }),
  eval: ({ validation_loss, base_ability_loss }, words) => {
    const told = fill(words["activity.eval"], { loss: figure(validation_loss) });
    if (base_ability_loss === null || base_ability_loss === undefined) return told;
    return `${told} · ${fill(words["activity.ability"], { loss: figure(base_ability_loss) })}`;
  },
  sample: ({ answer = "" }, words) => {
    const text = answer.replace(/\s+/g, " ").trim();
    return fill(words["activity.sample"], { text: text.length > ANSWER ? `${text.slice(0, ANSWER)}…` : text });
  },
  status: ({ status = "", message }, words) =>
    [words[`status.${status}`] ?? status, message].filter(Boolean).join(": "),
};

/**
 * Mount both; they are hidden while no run is active, and ask nothing while Runs is not open.
 *
 * @param {HTMLElement} element
 * @param {Words} words
 * @param {ActivityServer} server
 */
export const mountActivity = (element, words, server) => {
  const section = find(element, ".gl-activity");
  const name = el("h3", { class: "gl-h3" });
  const machine = el("p", { class: "gl-fact" });
  const list = el("pre", { class: "gl-log", tabindex: "0", "aria-label": words["activity.log"] });
  const save = button(words["activity.save"], () => saveText(`${read.run}.log`, `${lines.join("\n")}\n`), {
    class: "gl-button",
  });
  const drawer = el("details", {}, el("summary", { text: words["activity.log"] }), list, save);
  section.append(name, machine, drawer);
  /** @type {string[]} */
  let lines = [];
  let read = { run: "", cursor: 0, epoch: /** @type {number | null} */ (null) };
  let steps = 0;
  let asking = false;

  const readLog = async () => {
    const { run } = read;
    const answer = await soonOf(server.log(read));
    if (!answer?.events || run !== read.run) return false;
    const { cursor, epoch, more, events } = /** @type {LogPage} */ (answer);
    if (epoch !== read.epoch) lines = []; // the run was resumed, or this is the first page: from the beginning
    read = { run, cursor, epoch };
    lines.push(...events.map((event) => logLine(event, steps, words)).filter(Boolean));
    const follows = list.scrollHeight - list.scrollTop - list.clientHeight < 24;
    list.textContent = lines.slice(-LINES_SHOWN).join("\n");
    if (follows) list.scrollTop = list.scrollHeight;
    return more;
  };

  const look = async () => {
    if (asking || section.hidden || openedTab() !== "runs" || document.hidden) return;
    asking = true;
    const use = await soonOf(server.machine(null));
    if (use) machine.textContent = machineLine(use, words);
    while (/** @type {HTMLDetailsElement} */ (drawer).open && (await readLog()));
    asking = false;
  };

  subscribeLive(section, (live) => {
    section.hidden = !live.run;
    if (!live.run) return;
    name.textContent = fill(words["activity.title"], { name: live.name ?? "" });
    steps = live.steps;
    if (live.run === read.run) return;
    read = { run: live.run, cursor: 0, epoch: null };
    lines = [];
    list.textContent = "";
    look();
  });
  drawer.addEventListener("toggle", look);
  const timer = setInterval(() => (element.isConnected ? look() : clearInterval(timer)), POLL_MS);
};
