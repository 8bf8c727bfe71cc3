// Soft prompts: the size of each virtual token, its distance from the start, and the nearest words of the vocabulary.
// @ts-check

import { barHead, barRow, el, mapTitle } from "../../common/dom.js";
import { figure, tokenName } from "../../common/text.js";
import { createLines } from "../lines.js";

/** @import { PromptEvent } from "../../event_types.js" */
/** @import { Panel, Say } from "../../types.js" */

/**
 * The cell with the nearest words and their cosines.
 *
 * @param {string[]} words
 * @param {number[]} cosines
 */
const nearestWords = (words, cosines) => {
  const texts = words.map((word, i) =>
    el("span", { class: "gl-word", dir: "auto" }, tokenName(word), el("small", { text: figure(cosines[i], 2) })),
  );
  return el("td", { class: "gl-near" }, ...texts);
};

/**
 * @param {PromptEvent} event
 * @param {number} most where the bars end
 * @param {Say} say
 */
const rowsOf = (event, most, say) => {
  const usual = { mark: event.usual_norm / most, title: say("usual", { value: figure(event.usual_norm) }) };
  return event.norms.map((norm, i) => {
    const row = barRow(
      String(i + 1),
      { share: norm / most, text: figure(norm, 2), ...usual },
      { share: event.drift[i] / most, text: figure(event.drift[i], 2) },
    );
    row.append(nearestWords(event.words[i], event.cosines[i]));
    return row;
  });
};

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  const readout = el("p", { class: "gl-readout" });
  const rows = el("tbody");
  const columns = ["token", "norm", "drift", "words"].map((name) => [say(name), say(`${name}.title`)]);
  const table = el("table", { class: "gl-prompt" }, el("thead", {}, barHead(...columns)), rows);
  const strides = el("div", {}, mapTitle(say("strides")));
  body.append(readout, el("div", { class: "gl-scroll" }, table), strides);
  const drawStrides = createLines(strides, say("strides"), ctx.goTo);

  return (view) => {
    const { tape, step } = view;
    const event = tape.at("prompt", step);
    const end = tape.at("prompt", tape.last);
    if (!event || !end) return;
    const most = Math.max(...end.norms, ...end.drift, ...event.norms, event.usual_norm) * 1.05;
    const usual = { norm: figure(event.usual_norm), cosine: figure(event.usual_cosine, 2) };
    readout.textContent = say("at", { ...usual, step: event.step });
    rows.replaceChildren(...rowsOf(event, most, say));
    strides.hidden = event.stride === null || event.stride === undefined;
    if (strides.hidden) return;
    const line = tape.series("prompt", (one) => one.stride ?? 0, { colour: "tuned", wide: true });
    drawStrides({ key: tape.key, lines: [line], step, last: tape.end, high: Math.max(1e-9, ...line.values) });
  };
};

/** @type {Panel} */
export const prompt = { name: "prompt", order: 1, side: "left", tall: 500, needs: "prompt", mount };
