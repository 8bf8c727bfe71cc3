// A run as the page knows it: its events by kind, and what was true at a step.
window.Gatelight = window.Gatelight || {};

(() => {
  const ACTIVE = ["loading", "running", "paused", "stopping"];
  const FACTS = "name status message recording emits layered pictures early kept steps config epoch cursor".split(" ");
  const NO_FRAMES = ["started", "loss", "snapshot", "status"];

  /** Index of the last entry of a sorted list that is not above a value, -1 if there is none. */
  const lastUpTo = (sorted, value) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] <= value) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  };

  Gatelight.Tape = class {
    constructor(run) {
      Object.assign(this, { run, name: run, status: "", message: "", error: "", emits: [], steps: 0, config: {} });
      Object.assign(this, { layered: false, recording: false, epoch: null, loaded: false, version: 0 });
      this.clear();
    }

    clear() {
      Object.assign(this, { cursor: 0, kinds: {}, positions: [], last: 0 });
    }

    get active() {
      return ACTIVE.includes(this.status);
    }

    /** Where an axis of steps ends: at the run's last step, so that it stands still while the run grows. */
    get end() {
      return Math.max(this.last, this.steps, 1);
    }

    /** Take in an answer of the server's `since`. */
    take(answer) {
      if (answer.epoch !== this.epoch) this.clear();
      for (const name of FACTS) this[name] = answer[name];
      for (const event of answer.events) {
        const kind = (this.kinds[event.kind] ??= { steps: [], events: [] });
        kind.steps.push(event.step);
        kind.events.push(event);
        this.last = Math.max(this.last, event.step);
      }
      this.error = "";
      this.loaded = !answer.more;
      if (answer.events.length) {
        const frames = Object.entries(this.kinds).filter(([kind]) => !NO_FRAMES.includes(kind));
        const steps = new Set(frames.flatMap(([, found]) => found.steps));
        this.positions = [...steps.add(this.last)].sort((a, b) => a - b);
        this.version += 1;
      }
    }

    /** Changes whenever something was added: what was drawn of the whole run may be kept until then. */
    get key() {
      return `${this.run} ${this.epoch} ${this.version}`;
    }

    all(kind) {
      return this.kinds[kind]?.events ?? [];
    }

    /** One field of all events of a kind over their steps, as `Gatelight.lines` draws it. */
    way(kind, value, look = {}) {
      return { steps: this.kinds[kind]?.steps ?? [], values: this.all(kind).map(value), ...look };
    }

    /** The newest event of a kind that is not later than a step, or null. */
    at(kind, step) {
      const { steps, events } = this.kinds[kind] ?? { steps: [], events: [] };
      return events[lastUpTo(steps, step)] ?? null;
    }

    /** Position of the frame nearest to a step. */
    position(step) {
      const below = Math.max(0, lastUpTo(this.positions, step));
      const above = Math.min(below + 1, this.positions.length - 1);
      return step - this.positions[below] <= this.positions[above] - step ? below : above;
    }
  };

  /** Fetch the news of a tape; resolves to whether the server answered. */
  Gatelight.pull = async (server, tape) => {
    for (;;) {
      const { run, cursor, epoch } = tape;
      const answer = await server.since({ run, cursor, epoch }).catch(() => undefined);
      if (!answer) return false;
      if (answer.error) {
        tape.error = answer.error;
        return true;
      }
      tape.take(answer);
      if (!answer.more) return true;
    }
  };
})();
