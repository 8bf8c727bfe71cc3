// The top bar of Watch: which run, which step, what to compare with, and one line on the state of the run.
// @ts-check

import { button, el, icon } from "../common/dom.js";
import { latestLive, subscribeLive } from "../common/live.js";
import { openTab } from "../common/navigation.js";
import { scoreText } from "../common/score.js";

/** @import { Live, RunEntry, Say, Score, Stage, View } from "../types.js" */
/** @import { Tape } from "./tape.js" */
/** @typedef {{kind: string, text: string, to?: string, label?: string}} StateLine `to` is the tab to go on with, `label` the button's words */

/**
 * Fill a select, unless it has these options already.
 *
 * @param {HTMLSelectElement} select
 * @param {[value: string, text: string][]} options
 * @param {string} chosen
 */
const fillSelect = (select, options, chosen) => {
  const key = JSON.stringify(options);
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    select.replaceChildren(...options.map(([value, text]) => el("option", { value, text })));
  }
  select.value = chosen;
};

/** @param {number} seconds since the epoch */
const moment = (seconds) =>
  new Date(1000 * seconds).toLocaleString("sv", { dateStyle: "short", timeStyle: "short" }).slice(5);

/**
 * Runs as a menu offers them; of one's own with one name each says when it was begun.
 *
 * @param {RunEntry[]} runs
 * @param {Say} say
 * @returns {[value: string, text: string][]}
 */
export const runOptions = (runs, say) => {
  const names = runs.filter((run) => !run.recording).map((run) => run.name);
  return runs.map((run) => {
    const shared = !run.recording && names.indexOf(run.name) !== names.lastIndexOf(run.name);
    const parts = [run.name, ...(shared ? [moment(run.created)] : [])];
    return [run.id, [...parts, run.recording ? say("recording") : say(`status.${run.status}`)].join("  ·  ")];
  });
};

/** The tab to go on with from a run in which something went wrong. @type {Record<string, string>} */
const NEXT = { finished: "train", stopped: "runs", running: "train", paused: "train" };

/** By how much a score has to be better than what it is compared with, so that something was learned. */
const GAIN = { exact_match: 0.1, accuracy: 0.1, f1: 0.1, pearson: 0.2, bleu: 3, chrf: 3 };

/**
 * How much of what the questions list is said; empty where they list nothing.
 *
 * @param {Score} score
 * @param {Say} say
 */
const factsSaid = ({ facts, facts_baseline: baseline }, say) => {
  if (typeof facts !== "number" || typeof baseline !== "number") return "";
  return say("score.facts", { share: Math.round(facts), baseline: Math.round(baseline) });
};

/**
 * How a run ended: at its last step or before, which state it kept, what that came to, and what is to be done next.
 *
 * @param {Tape} tape
 * @param {Say} say
 * @returns {StateLine}
 */
const ending = (tape, say) => {
  const older = tape.kept !== null && tape.kept !== tape.last;
  const key = `finished${tape.early ? ".early" : ""}${older ? ".kept" : ""}`;
  const ended = say(key, { step: tape.last, kept: tape.kept });
  const { score } = tape;
  if (!score) return { kind: "note", text: `${ended} ${say("score.none")}`, to: "chat" };
  const [reached, baseline] = [score.value, score.baseline].map((value) => scoreText(score, say, value));
  const came = [say(`score.${score.against}`, { score: reached, baseline, rows: score.rows }), factsSaid(score, say)]
    .filter(Boolean)
    .join(" ");
  const learned = score.value - score.baseline >= (GAIN[/** @type {keyof typeof GAIN} */ (score.name)] ?? 0);
  const { better } = tape;
  const same = better?.method === tape.config.method;
  const more = better ? ` ${say(same ? "score.defaults" : "score.better", { ...better })}` : "";
  if (learned) return { kind: "note", text: `${ended} ${came}${more}`, to: "chat" };
  const label = better && !same ? say("next.retry.better", { ...better }) : say("next.retry");
  return { kind: "note", text: `${ended} ${came} ${say("score.little")}${more}`, to: "train", label };
};

/**
 * What a run that has nothing to show yet is doing.
 *
 * @param {number | null | undefined} warming how much of the warm-up before the first step is done, 0 to 1
 * @param {Say} say
 * @returns {StateLine}
 */
const beginning = (warming, say) => ({
  kind: "wait",
  text: typeof warming === "number" ? say("warming", { share: Math.round(100 * warming) }) : say("setting_up"),
});

/**
 * Whether a run that goes on is trained by another process than the one that serves the page, which cannot drive it.
 *
 * @param {Tape | null} tape
 * @param {Live | null} live null before the server has told anything
 */
const isElsewhere = (tape, live) => live !== null && live.run !== tape?.run;

/**
 * The state of the run in one line; no text where there is nothing to say.
 *
 * @param {View} view
 * @param {Say} say
 * @param {Live | null} [live] what the server is doing
 * @returns {StateLine}
 */
export const stateLine = (view, say, live = null) => {
  const { tape } = view;
  if (view.gone) return { kind: "gone", text: say("gone") };
  if (!tape) return { kind: "wait", text: say("loading") };
  if (tape.error) return { kind: "error", text: tape.error };
  if (tape.status === "loading") return beginning(null, say);
  if (tape.status === "running" && !tape.positions.length) return beginning(live?.warming, say);
  if (!tape.loaded && !tape.positions.length) return { kind: "wait", text: say("loading") };
  if (tape.status === "finished" && !tape.recording && !tape.message) return ending(tape, say);
  if (tape.status === "running" && live?.scoring && live.run === tape.run)
    return { kind: "wait", text: say("scoring") };
  if (tape.status === "failed") return { kind: "error", text: tape.message || say("failed") };
  if (tape.message && tape.status !== "interrupted")
    return { kind: "error", text: tape.message, to: NEXT[tape.status] };
  if (tape.status === "interrupted") return { kind: "note", text: say("interrupted"), to: "runs" };
  if (tape.status === "stopped") return { kind: "note", text: say("stopped"), to: "runs" };
  if (tape.status === "waiting") return { kind: "error", text: say("waiting"), to: "train" };
  if (tape.status === "paused" && isElsewhere(tape, live)) return { kind: "note", text: say("paused.elsewhere") };
  if (tape.status === "paused") return { kind: "note", text: say("paused"), to: "train" };
  return { kind: "", text: "" };
};

/**
 * The introduction that stands above a recording.
 *
 * @param {Stage} stage
 */
const createIntro = ({ say, number }) => {
  const text = el("span");
  const train = button(say("intro.button"), () => openTab("train"), { class: "gl-button gl-primary" });
  const element = el("p", { class: "gl-intro" }, text, train);
  /** @param {Tape | null} tape */
  const draw = (tape) => {
    const started = tape?.all("started")[0];
    element.hidden = !(tape?.recording && started);
    if (!tape || !started) return;
    text.textContent = say(tape.emits.includes("gates") ? "intro" : "intro.other", { n: number(started.trainable) });
  };
  return { element, draw };
};

/**
 * How the run on view could go on: continued, resumed, or with more steps; empty where it cannot, or is another's.
 *
 * @param {View} view
 * @param {Live | null} [live] what the server is doing
 * @returns {"" | "paused" | "stopped" | "finished"}
 */
export const waysOn = ({ tape, runs, gone }, live = null) => {
  if (!tape || gone || tape.recording || !runs.some(({ id, drives }) => id === tape.run && drives !== false)) return "";
  if (tape.status === "finished") return tape.early ? "" : "finished";
  if (tape.status === "paused") return isElsewhere(tape, live) ? "" : "paused";
  return ["stopped", "interrupted", "failed"].includes(tape.status) ? "stopped" : "";
};

/**
 * The line on the state of the run, with a button that lets it go on, and one that opens the tab to go on with.
 *
 * @param {Stage} stage
 */
const createStateLine = ({ say, goOn }) => {
  const words = el("span");
  const on = button("", goOn, { class: "gl-button gl-go-on" });
  const next = button("", () => openTab(next.dataset.to ?? ""));
  const element = el("p", { class: "gl-state", role: "status" }, words, on, next);
  /** @type {View | null} */
  let shown = null;
  /** @param {View} view */
  const draw = (view) => {
    shown = view;
    const { kind, text, to, label } = stateLine(view, say, latestLive());
    element.dataset.kind = kind;
    if (words.textContent !== text) words.textContent = text;
    next.hidden = !to;
    const name = to ? (label ?? say(`next.${to}`)) : "";
    if (next.textContent !== name) next.textContent = name;
    if (to) next.dataset.to = to;
    const way = waysOn(view, latestLive());
    on.hidden = !way;
    if (way && on.textContent !== say(`go_on.${way}`)) on.textContent = say(`go_on.${way}`);
    element.hidden = !text;
  };
  subscribeLive(element, () => shown && draw(shown));
  return { element, draw };
};

/**
 * The buttons and the slider that move along the frames.
 *
 * @param {Stage} stage
 */
const createTransport = ({ view, say, player }) => {
  /**
   * @param {"first" | "last"} name
   * @param {number} position
   */
  const jump = (name, position) => {
    const made = button("", () => player.go(position), { "aria-label": say(name), title: say(name) });
    made.append(icon(name));
    return made;
  };
  const toggle = button("", player.toggle, { class: "gl-button gl-play" });
  const slider = { type: "range", min: 0, max: 0, value: 0, class: "gl-scrub", "aria-label": say("scrub") };
  const scrub = el("input", slider);
  const step = el("output", { class: "gl-step" });
  scrub.addEventListener("input", () => player.go(Number(scrub.value)));
  const draw = () => {
    const action = view.playing ? "pause" : "play";
    if (toggle.title !== say(action)) {
      toggle.replaceChildren(icon(action));
      toggle.setAttribute("aria-label", say(action));
      toggle.title = say(action);
    }
    const { tape } = view;
    if (!tape) return;
    scrub.max = String(Math.max(0, tape.positions.length - 1));
    scrub.value = String(tape.position(view.step));
    scrub.setAttribute("aria-valuetext", say("step", { step: view.step }));
    step.textContent = say(tape.steps ? "step_of" : "step", { step: view.step, steps: tape.steps });
  };
  return { elements: [jump("first", 0), toggle, jump("last", Infinity), scrub, step], draw };
};

/**
 * Build the top bar.
 *
 * @param {Stage} stage
 * @returns {() => void} draw
 */
export const createBar = (stage) => {
  const { view, say } = stage;
  const select = { class: "gl-select" };
  const runs = el("select", { ...select, "aria-label": say("run"), onchange: () => stage.show(runs.value) });
  const other = el("select", { ...select, "aria-label": say("compare"), onchange: () => stage.compare(other.value) });
  const live = el("span", { class: "gl-badge gl-live-badge", text: say("live") });
  const recorded = el("span", { class: "gl-badge gl-recorded", text: say("recording") });
  const transport = createTransport(stage);
  const follow = button(say("follow"), () => stage.follow(), {
    class: "gl-button gl-follow",
    title: say("follow.title"),
  });
  const one = button(say("one_step"), stage.oneStep, { class: "gl-button gl-one" });
  const intro = createIntro(stage);
  const state = createStateLine(stage);
  const row = el("div", { class: "gl-bar-row" }, runs, live, recorded, ...transport.elements, follow, one, other);
  stage.element.append(intro.element, row, state.element);

  return () => {
    const { tape } = view;
    const options = runOptions(view.runs, say);
    const rest = options.filter(([id]) => id !== tape?.run);
    fillSelect(runs, options, tape?.run ?? "");
    fillSelect(other, [["", say("compare.none")], ...rest], view.other?.run ?? "");
    state.draw(view);
    const active = Boolean(tape?.active);
    live.hidden = !active;
    recorded.hidden = !tape?.recording;
    follow.hidden = !active;
    follow.setAttribute("aria-pressed", String(view.following));
    one.hidden = !active || tape?.status === "stopping";
    const others = view.runs.some((run) => run.id === tape?.run && run.drives === false);
    const elsewhere = isElsewhere(tape, latestLive());
    one.disabled = others || elsewhere;
    one.title = say(others ? "one_step.others" : elsewhere ? "one_step.elsewhere" : "one_step.title");
    intro.draw(tape);
    transport.draw();
  };
};
