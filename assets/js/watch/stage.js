// Watch: one cursor (run, step, layer, head, token) for all panels. Hover previews, click picks, Esc releases.
// @ts-check

import { el } from "../common/dom.js";
import { paced } from "../common/live.js";
import { range } from "../common/maths.js";
import { soonOf } from "../common/server.js";
import { fill } from "../common/text.js";
import { createBar } from "./bar.js";
import { columnCount, columnsOf, MOST_COLUMNS } from "./columns.js";
import { setMounted } from "./current.js";
import { NOTHING_PICKED } from "./cursor.js";
import { PANELS } from "./panels/index.js";
import { createPlayer } from "./player.js";
import { pull, Tape } from "./tape.js";

/** @import { MountedPanel, Panel, ShownView, Stage, StageBase, View, WatchServer, Words } from "../types.js" */

const FAST_MS = 500;
const SLOW_MS = 4000;
const LIST_MS = 5000;
const FIRST_RUN = "llama_adapter";
const KEPT_RUN = "gatelight.watch";

const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
const shownHere = (/** @type {HTMLElement} */ element) =>
  document.visibilityState === "visible" && element.offsetParent;

/**
 * Mount one panel: title, tools beside it, body and caption.
 *
 * @param {Stage} stage
 * @param {Panel} panel
 * @returns {MountedPanel}
 */
const mountPanel = (stage, panel) => {
  /** @type {Stage["say"]} */
  const say = (key, values) => stage.say(`${panel.name}.${key}`, values);
  const title = el("h2", { text: say("title") });
  const tools = el("div", { class: "gl-tools" });
  const body = el("div", { class: "gl-panel-body" });
  const caption = el("p", { class: "gl-caption", text: say("caption") });
  const term = el("p", { class: "gl-field-name", text: say("term") });
  const head = el("header", { class: "gl-panel-head" }, el("div", {}, title, term), tools);
  const host = el("section", { class: "gl-panel", "data-panel": panel.name }, head, body, caption);
  host.style.order = String(panel.order);
  const draw = panel.mount({ ...stage, say, common: stage.say, title, term, body, tools, caption });
  return { panel, host, draw };
};

/**
 * Mount all panels; returns a function that draws those with something to show of a run and hides the others. They
 * stand in as many columns as there is room for, and move only when others are shown or the page gets wider or narrower.
 *
 * @param {Stage} stage
 */
const mountPanels = (stage) => {
  const sides = range(MOST_COLUMNS).map(() => el("div", { class: "gl-watch-side" }));
  const board = el("div", { class: "gl-panels" }, ...sides);
  stage.element.append(board);
  const mounted = [...PANELS].sort((a, b) => a.order - b.order).map((panel) => mountPanel(stage, panel));
  sides[0].append(...mounted.map(({ host }) => host));
  let placed = "";
  /** @param {MountedPanel[]} shown */
  const place = (shown) => {
    const count = columnCount(board.clientWidth);
    const names = `${count} ${shown.map(({ panel }) => panel.name)}`;
    if (!count || names === placed) return;
    placed = names;
    board.dataset.columns = String(count);
    const columns = columnsOf(
      shown.map(({ panel }) => panel),
      count,
    );
    sides.forEach((side, i) => {
      side.hidden = i >= count;
    });
    shown.forEach(({ host }, i) => {
      sides[columns[i]].append(host);
    });
  };
  return (/** @type {View} */ view) => drawPanels(mounted, view, place);
};

/**
 * Draw the panels that have something to show of the run, and hide the others.
 *
 * @param {MountedPanel[]} panels
 * @param {View} view
 * @param {(shown: MountedPanel[]) => void} place puts those that are shown where they belong
 */
const drawPanels = (panels, view, place) => {
  const { tape } = view;
  const begun = Boolean(tape?.positions.length);
  for (const { panel, host } of panels) {
    const told = tape && begun && (!panel.needs || tape.emits.includes(panel.needs));
    host.hidden = !(told && (panel.fits?.(tape) ?? true));
  }
  const shown = panels.filter(({ host }) => !host.hidden);
  place(shown);
  for (const { host, draw } of shown) if (host.offsetParent) draw(/** @type {ShownView} */ (view));
};

/**
 * What can be done with the view: show a run, compare it, follow the active one.
 *
 * @param {Omit<StageBase, "oneStep">} base
 * @param {{pull: (tape: Tape) => Promise<void>, list: () => Promise<void>}} fetching
 * @returns {Pick<Stage, "show" | "compare" | "follow" | "oneStep" | "goOn">}
 */
const actionsOf = ({ view, set, server }, { pull, list }) => {
  /** @type {Stage["show"]} */
  const show = async (run, follow = true) => {
    const tape = new Tape(run);
    set({ tape, playing: false, following: false, hover: null, step: 0, ...NOTHING_PICKED });
    if (view.other?.run === run) set({ other: null });
    sessionStorage.setItem(KEPT_RUN, run);
    await pull(tape);
    if (view.tape !== tape) return;
    set({ step: tape.last, following: follow && tape.active });
    if (!view.runs.some((known) => known.id === run)) list();
  };
  return {
    show,
    compare: async (run) => {
      set({ other: run ? new Tape(run) : null });
      if (view.other) await pull(view.other);
    },
    follow: async () => {
      const live = await soonOf(server.live({}));
      if (!live?.run) return;
      const { tape } = view;
      if (tape?.run === live.run && !tape.error) set({ following: true, playing: false, step: tape.last });
      else await show(live.run);
    },
    goOn: async () => {
      const { tape } = view;
      if (!tape) return;
      const answer = await soonOf(server.go_on({ run: tape.run, more: tape.status === "finished" }));
      if (view.tape !== tape) return;
      if (answer?.error === undefined) return show(tape.run);
      tape.error = answer.error;
      set({});
    },
    oneStep: async () => {
      set({ following: true, playing: false });
      const answer = await soonOf(server.one_step({}));
      if (!view.tape) return;
      if (answer?.error !== undefined) view.tape.error = answer.error;
      await pull(view.tape);
    },
  };
};

/**
 * The tapes and the list of runs, fetched from the server.
 *
 * @param {Pick<StageBase, "view" | "set" | "redraw" | "server" | "element">} base
 */
const fetchingOf = ({ view, set, redraw, server, element }) => {
  /** @param {Tape} tape */
  const pullTape = async (tape) => {
    if (tape.pulling) return;
    tape.pulling = true;
    const answered = await pull(server, tape);
    tape.pulling = false;
    tape.asked = performance.now();
    if (tape === view.tape) {
      view.gone = !answered;
      if (view.following || view.step > tape.last) view.step = tape.last;
    }
    redraw();
  };
  const list = async () => {
    const runs = await soonOf(server.runs({}));
    if (runs && !("error" in runs)) set({ runs });
  };
  let listed = 0;
  /** Fetch what is due, again and again until the element has left the page. */
  const tick = () => {
    if (!element.isConnected) return;
    if (shownHere(element)) {
      const now = performance.now();
      for (const tape of [view.tape, view.other]) {
        const pause = paced(tape?.active || view.gone ? FAST_MS : SLOW_MS);
        if (tape && now - tape.asked > pause - 20) pullTape(tape);
      }
      if (now - listed > paced(LIST_MS)) {
        listed = now;
        list();
      }
    }
    setTimeout(tick, FAST_MS);
  };
  return { pull: pullTape, list, tick };
};

/**
 * Show the run that is active, else the one that was shown before, else a recording, which plays once; nothing if a run
 * was opened while the server was asked.
 *
 * @param {Stage} stage
 */
const showFirst = async ({ view, server, show, player }) => {
  const live = await soonOf(server.live({}));
  const kept = sessionStorage.getItem(KEPT_RUN);
  /** @returns {string | undefined} the run that is shown by now */
  const shown = () => view.tape?.run;
  if (shown()) return;
  if (live?.run) await show(live.run);
  else if (kept && view.runs.some((run) => run.id === kept)) await show(kept);
  else {
    const first = view.runs.find((run) => run.recording && run.id === FIRST_RUN) ?? view.runs[0];
    if (first) await show(first.id);
    if (first && shown() === first.id && !reducedMotion()) player.once();
  }
};

/**
 * Mount Watch in an element.
 *
 * @param {HTMLElement} element
 * @param {WatchServer} server
 * @param {Words} words
 */
export const mountWatch = async (element, server, words) => {
  /** @type {View} */
  const view = {
    ...{ tape: null, other: null, runs: [], step: 0, hover: null, ...NOTHING_PICKED },
    ...{ following: false, playing: false, gone: false },
  };
  const number = new Intl.NumberFormat(words["watch.language"]);
  let waiting = false;
  /** @type {(view: View) => void} */
  let draw = () => {};
  let drawBar = () => {};

  const redraw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      drawBar();
      draw(view);
    });
  };
  /** @type {Stage["set"]} */
  const set = (change) => {
    Object.assign(view, change);
    redraw();
  };
  /** @type {Stage["say"]} */
  const say = (key, values = {}) => fill(words[`watch.${key}`] ?? words[key] ?? key.split(".").pop() ?? key, values);

  const base = { element, view, set, server, redraw, say, number: (/** @type {number} */ n) => number.format(n) };
  const fetching = fetchingOf(base);
  const actions = actionsOf(base, fetching);
  const player = createPlayer({ element, view, set, oneStep: actions.oneStep });
  /** @param {number} step */
  const goTo = (step) => player.go(view.tape?.position(step) ?? 0);
  /** @type {Stage} */
  const stage = { ...base, ...actions, player, goTo };
  drawBar = createBar(stage);
  draw = mountPanels(stage);
  setMounted(stage);
  new ResizeObserver(redraw).observe(element);
  new MutationObserver(redraw).observe(document.body, { attributeFilter: ["class"] });

  redraw();
  await fetching.list();
  await showFirst(stage);
  fetching.tick();
};
