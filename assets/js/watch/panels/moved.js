// What moves: gradient and update of each group of parameters over the steps, and their numbers at the cursor.
// @ts-check

import { el, mapTitle } from "../../common/dom.js";
import { decades, figure } from "../../common/text.js";
import { createLines } from "../lines.js";

/** @import { MovedEvent } from "../../event_types.js" */
/** @import { Panel, Say, Series, SeriesStyle } from "../../types.js" */
/** @import { Tape } from "../tape.js" */

/** How the groups are told apart, also in `.gl-line-N` of the style sheet. @type {SeriesStyle[]} */
const STYLES = [
  { colour: "tuned", wide: true },
  { colour: "base", wide: true },
  { colour: "ink", wide: true },
  { colour: "tuned", dotted: true },
  { colour: "base", dotted: true },
  { colour: "ink", dotted: true },
];

/**
 * The name of a group. VeRA's b is a vector, LoRA's B a matrix.
 *
 * @param {Say} say
 * @param {string} method
 * @param {string} group
 */
const nameOf = (say, method, group) => (method === "vera" ? group : say(`group.${group}`));

/**
 * Which groups have no gradient, and why; nothing if all have one.
 *
 * @param {MovedEvent} event
 * @param {string} method
 * @param {Say} say
 */
const remark = (event, method, say) => {
  const still = event.groups.filter((_, i) => event.grad_norms[i] === 0);
  if (!still.length) return "";
  const behindGate = method === "llama_adapter" && still.includes("prompts");
  const why = behindGate ? "gate" : method === "lora" ? "lora" : "zero";
  return say(`still.${why}`, { groups: still.map((group) => nameOf(say, method, group)).join(", ") });
};

/**
 * The gradient of a group, or its update relative to its size.
 *
 * @type {Record<"gradient" | "update", (event: MovedEvent, group: number) => number>}
 */
const MEASURES = {
  gradient: (event, group) => event.grad_norms[group],
  update: (event, group) => (event.norms[group] ? event.update_norms[group] / event.norms[group] : 0),
};

/**
 * One line per group on a logarithmic axis, which has no place for a 0: the line leaves such steps out.
 *
 * @param {Tape} tape
 * @param {"gradient" | "update"} measure
 * @returns {Series[]}
 */
const linesOf = (tape, measure) =>
  tape.all("moved")[0].groups.map((_, group) => {
    const events = tape.all("moved").filter((event) => MEASURES[measure](event, group) > 0);
    return {
      steps: events.map((event) => event.step),
      values: events.map((event) => Math.log10(MEASURES[measure](event, group))),
      ...STYLES[group % STYLES.length],
    };
  });

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  const table = el("table", { class: "gl-moved gl-numbers" });
  const note = el("p", { class: "gl-remark" });
  const readout = el("p", { class: "gl-readout" });
  const charts = /** @type {const} */ (["gradient", "update"]).map((measure) => {
    const host = el("div", {}, mapTitle(say(`${measure}.curve`)));
    return { measure, host, draw: createLines(host, say(`${measure}.curve`), ctx.goTo) };
  });
  const curves = el("div", { class: "gl-maps gl-pair" }, ...charts.map(({ host }) => host));
  body.append(readout, table, curves, note);
  /** @type {{key: string, lines: Series[][]}} */
  let known = { key: "", lines: [] };

  /**
   * @param {MovedEvent} event
   * @param {string} method
   */
  const fillTable = (event, method) => {
    const names = ["group", "gradient", "update"];
    const titles = ["", say("gradient.title"), say("update.title")];
    const head = names.map((name, i) => el("th", { scope: "col", text: say(name), title: titles[i] || null }));
    const rows = event.groups.map((group, i) => {
      const key = el("span", { class: `gl-key gl-line-${i % STYLES.length}`, text: nameOf(say, method, group) });
      const texts = [figure(MEASURES.gradient(event, i)), `${figure(100 * MEASURES.update(event, i), 2)} %`];
      return el("tr", {}, el("th", { scope: "row" }, key), ...texts.map((text) => el("td", { text })));
    });
    table.replaceChildren(el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows));
  };

  return (view) => {
    const { tape, step } = view;
    const event = tape.at("moved", step);
    const begun = tape.all("moved").length > 0;
    table.hidden = !event;
    curves.hidden = !begun;
    readout.textContent = event ? say("at", { step: event.step }) : say("nothing");
    note.textContent = event ? remark(event, tape.config.method, say) : "";
    note.hidden = !note.textContent;
    if (event) fillTable(event, tape.config.method);
    if (!begun) return;
    if (known.key !== tape.key) {
      known = { key: tape.key, lines: charts.map(({ measure }) => linesOf(tape, measure)) };
    }
    charts.forEach(({ draw }, i) => {
      const lines = known.lines[i];
      const { low, high, marks } = decades(lines.flatMap((line) => line.values));
      const name = (/** @type {number} */ mark) => figure(10 ** mark, 1);
      draw({ key: tape.key, lines, step, last: tape.end, low, high, marks, name });
    });
  };
};

/** @type {Panel} */
export const moved = { name: "moved", order: 5, side: "right", tall: 330, needs: null, mount };
