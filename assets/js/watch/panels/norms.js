// Tuning of norms: how far the gain and the bias of each norm have changed.
// @ts-check

import { barHead, barRow, el, mapTitle } from "../../common/dom.js";
import { largest } from "../../common/maths.js";
import { figure } from "../../common/text.js";
import { createStrip } from "../lines.js";

/** @import { Panel } from "../../types.js" */
/** @import { Tape } from "../tape.js" */

/** @param {string} path */
const short = (path) => path.replace(/^(model|transformer|gpt_neox|bert|roberta|distilbert)\./, "");

/**
 * What is drawn of the whole run: one line per norm, whether any bias moved, and where the scale ends.
 *
 * @param {Tape} tape
 */
const wholeRun = (tape) => {
  const events = tape.all("norms");
  return {
    key: tape.key,
    lines: events[0].norms.map((_, i) => events.map((event) => event.gamma[i])),
    biased: events.some((event) => event.beta.some(Boolean)),
    most: largest(
      events.flatMap((event) => [event.gamma, event.beta]),
      1e-9,
    ),
  };
};

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  const readout = el("p", { class: "gl-readout" });
  const table = el("table", { class: "gl-moved gl-norms" });
  const strip = createStrip(body, say("strip"), ctx.goTo, 0);
  body.prepend(mapTitle(say("strip")));
  body.append(readout, el("div", { class: "gl-scroll" }, table));
  /** @type {ReturnType<typeof wholeRun> | null} */
  let known = null;

  return (view) => {
    const { tape, step } = view;
    const event = tape.at("norms", step);
    if (!event) return;
    if (known?.key !== tape.key) known = wholeRun(tape);
    const { key, lines, most, biased } = known;
    strip({ key, steps: tape.stepsOf("norms"), lines, picked: null, step, most, last: tape.end });
    readout.textContent = say("at", { step: event.step, value: figure(Math.max(...event.gamma)) });
    /** @param {number} value */
    const bar = (value) => ({ share: value / most, text: figure(value, 2) });
    const fields = biased ? /** @type {const} */ (["gamma", "beta"]) : /** @type {const} */ (["gamma"]);
    const rows = event.norms.map((path, i) => barRow(short(path), ...fields.map((name) => bar(event[name][i]))));
    const columns = fields.map((name) => [say(name), say(`${name}.title`)]);
    table.replaceChildren(barHead([say("norm")], ...columns), ...rows.reverse());
  };
};

/** @type {Panel} */
export const norms = { name: "norms", order: 6, side: "right", needs: "norms", mount };
