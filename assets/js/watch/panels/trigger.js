// AutoPrompt: the trigger's words at each step, and of each candidate what was estimated and what was measured.
// @ts-check

import { fitCanvas } from "../../common/canvas.js";
import { copyText } from "../../common/clipboard.js";
import { paletteOf } from "../../common/colour.js";
import { barHead, button, el, mapTitle, readoutLine } from "../../common/dom.js";
import { figure, tokenName } from "../../common/text.js";

/** @import { TriggerEvent } from "../../event_types.js" */
/** @import { Panel, Say } from "../../types.js" */

const HEIGHT = 200;
const EDGE = 12;
const MOST_SWAPS = 100;
const SAID_MS = 1500;

/**
 * Where numbers lie on an axis that has its zero in sight.
 *
 * @param {number[]} values
 * @param {number} from
 * @param {number} to
 * @returns {(value: number) => number}
 */
const axisOf = (values, from, to) => {
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  return (value) => from + ((to - from) * (value - low)) / Math.max(1e-9, high - low);
};

/**
 * Draw one dot per candidate, those of this step in front of those of earlier ones.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {TriggerEvent[]} events up to this step
 */
const drawDots = (canvas, events) => {
  const width = canvas.clientWidth;
  const now = events.at(-1);
  if (!width || !now) return;
  const palette = paletteOf(canvas);
  const context = fitCanvas(canvas, width, HEIGHT);
  const predicted = events.flatMap((event) => event.predicted);
  const actual = events.flatMap((event) => event.actual);
  const x = axisOf(predicted, EDGE, width - EDGE);
  const y = axisOf(actual, HEIGHT - EDGE, EDGE);
  context.fillStyle = palette.line;
  context.fillRect(x(0), 0, 1, HEIGHT);
  context.fillRect(0, y(0), width, 1);
  for (const event of events) {
    context.fillStyle = event === now ? palette.tuned : palette.base;
    context.globalAlpha = event === now ? 1 : 0.35;
    event.predicted.forEach((value, i) => {
      context.beginPath();
      context.arc(x(value), y(event.actual[i]), event === now && i === now.taken ? 7 : 4, 0, 2 * Math.PI);
      context.fill();
    });
  }
  context.globalAlpha = 1;
  context.font = `13px ${palette.font}`;
  context.fillStyle = palette.muted;
  context.textAlign = "left";
  context.fillText(figure(Math.min(0, ...predicted)), 2, y(0) - 5);
  context.textAlign = "right";
  context.fillText(figure(Math.max(0, ...actual)), x(0) - 5, EDGE + 2);
  context.fillText(figure(Math.min(0, ...actual)), x(0) - 5, HEIGHT - 4);
};

/**
 * The words of a trigger in a row, with the one that is new marked.
 *
 * @param {TriggerEvent} event
 */
const wordsOf = ({ words, place, taken }) =>
  words.map((word, i) =>
    el("span", {
      class: `gl-word${taken !== null && i === place ? " gl-changed" : ""}`,
      dir: "auto",
      text: tokenName(word),
    }),
  );

/**
 * One row of the candidates.
 *
 * @param {TriggerEvent} event
 * @param {number} i
 */
const candidateRow = (event, i) =>
  el(
    "tr",
    { class: event.taken === i ? "gl-changed" : null },
    el("th", { scope: "row" }, el("span", { class: "gl-word", dir: "auto", text: tokenName(event.candidates[i]) })),
    el("td", { text: figure(event.predicted[i]) }),
    el("td", { text: figure(event.actual[i]) }),
  );

/**
 * One row of the words that stood there.
 *
 * @param {TriggerEvent} event
 */
const swapRow = (event) =>
  el(
    "tr",
    {},
    el("th", { scope: "row", text: String(event.step) }),
    el("td", {}, ...wordsOf(event)),
    el("td", { text: figure(event.taken === null ? event.loss : (event.loss ?? 0) + event.actual[event.taken]) }),
  );

/**
 * What the iteration of a step did, as a sentence.
 *
 * @param {TriggerEvent} event
 * @param {Say} say
 */
const told = (event, say) => {
  const { step, place, taken, loss } = event;
  if (place === null) return say("start", { step });
  const about = { step, place: place + 1, before: tokenName(event.before), loss: figure(loss) };
  if (taken === null) return say("kept", about);
  const [predicted, actual] = [figure(event.predicted[taken]), figure(event.actual[taken])];
  return say("taken", { ...about, after: tokenName(event.candidates[taken]), predicted, actual });
};

/**
 * A table with its rows' place.
 *
 * @param {Say} say
 * @param {...string} names of the columns
 */
const tableOf = (say, ...names) => {
  const rows = el("tbody");
  const columns = names.map((name) => [say(name), say(`${name}.title`)]);
  return { rows, table: el("table", { class: "gl-trigger" }, el("thead", {}, barHead(...columns)), rows) };
};

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  let text = "";
  const copying = button(
    say("copy"),
    async () => {
      await copyText(text);
      copying.textContent = say("copied");
      setTimeout(() => {
        copying.textContent = say("copy");
      }, SAID_MS);
    },
    { class: "gl-button gl-small" },
  );
  ctx.tools.append(copying);
  const trigger = el("p", {});
  const typed = el("p", { class: "gl-remark" });
  const readout = readoutLine();
  const keys = ["earlier", "now"].map((name, i) =>
    el("span", { class: `gl-key gl-dot-${i ? "average" : "random"}`, text: say(name) }),
  );
  const canvas = el("canvas", { class: "gl-strip", role: "img", "aria-label": say("label") });
  const dots = el("div", {}, mapTitle(say("dots")), el("div", { class: "gl-keys" }, ...keys), canvas);
  const candidates = tableOf(say, "candidate", "predicted", "actual");
  const swaps = tableOf(say, "step", "words", "loss");
  const scroll = el("div", { class: "gl-scroll", tabindex: "0" }, candidates.table, swaps.table);
  body.append(trigger, typed, readout, dots, scroll);

  return ({ tape, step }) => {
    const events = tape.all("trigger").filter((event) => event.step <= step);
    const event = events.at(-1);
    if (!event) return;
    text = event.words.join("");
    trigger.replaceChildren(...wordsOf(event));
    typed.textContent = say(event.same ? "same" : "other");
    readout.textContent = told(event, say);
    dots.hidden = candidates.table.hidden = event.place === null;
    drawDots(canvas, events);
    candidates.rows.replaceChildren(...event.candidates.map((_, i) => candidateRow(event, i)));
    const changes = events.filter(({ place, taken }) => place === null || taken !== null);
    swaps.rows.replaceChildren(...changes.slice(-MOST_SWAPS).reverse().map(swapRow));
  };
};

/** @type {Panel} */
export const trigger = { name: "trigger", order: 1, side: "left", tall: 620, needs: "trigger", mount };
