// Masks: the share of each matrix that is switched off, and how the scores lie around the threshold.
// @ts-check

import { fitCanvas } from "../../common/canvas.js";
import { paletteOf } from "../../common/colour.js";
import { el, mapTitle, toggleButton } from "../../common/dom.js";
import { mean } from "../../common/maths.js";
import { figure } from "../../common/text.js";
import { createGrid } from "../grid.js";

/** @import { Grid, MaskEvent } from "../../event_types.js" */
/** @import { Panel } from "../../types.js" */

const HEIGHT = 96;
const EDGE = 8;

/**
 * A histogram of the scores on a canvas, what is off and what is on in two colours.
 *
 * @param {HTMLElement} host
 * @param {string} label for screen readers
 * @returns {(event: MaskEvent, most: number) => void} draw
 */
const createHistogram = (host, label) => {
  const canvas = el("canvas", { class: "gl-strip", role: "img", "aria-label": label });
  host.append(canvas);
  return ({ counts, edges, threshold }, most) => {
    const width = canvas.clientWidth;
    if (!width) return;
    const palette = paletteOf(canvas);
    const context = fitCanvas(canvas, width, HEIGHT);
    const [low, high] = [edges[0], edges[edges.length - 1]];
    /** @param {number} score */
    const x = (score) => EDGE + ((width - 2 * EDGE) * (score - low)) / (high - low);
    const floor = HEIGHT - 18;
    counts.forEach((count, bin) => {
      const [from, to] = [x(edges[bin]), x(edges[bin + 1])];
      const tall = (floor - 4) * Math.min(1, count / most);
      context.fillStyle = edges[bin] >= threshold ? palette.tuned : palette.base;
      context.fillRect(from, floor - tall, Math.max(1, to - from - 1), tall);
    });
    context.strokeStyle = palette.accent;
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(x(threshold), 2);
    context.lineTo(x(threshold), floor + 3);
    context.stroke();
    context.font = `13px ${palette.font}`;
    context.fillStyle = palette.muted;
    context.textBaseline = "middle";
    /** @type {[number, CanvasTextAlign][]} */
    const labels = [
      [low, "left"],
      [threshold, "center"],
      [high, "right"],
    ];
    for (const [score, align] of labels) {
      context.textAlign = align;
      context.fillText(figure(score, 2), x(score), HEIGHT - 8);
    }
  };
};

/**
 * Shares of a cell, or of all cells, in percent.
 *
 * @param {MaskEvent} event
 * @param {number | null} row
 * @param {number | null} column
 */
const percentages = (event, row, column) => {
  /** @param {Grid} grid */
  const pick = (grid) => figure(100 * (row === null || column === null ? mean(grid.flat()) : grid[row][column]), 2);
  return { off: pick(event.off), changed: pick(event.flipped) };
};

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  let flipped = false;
  const toggle = toggleButton(say("flipped"), say("flipped.title"), false, (pressed) => {
    flipped = pressed;
    ctx.redraw();
  });
  const [offHost, flippedHost, offTools] = [el("div"), el("div"), el("span")];
  body.append(offHost, flippedHost);
  ctx.tools.append(offTools, toggle);
  const columns = (/** @type {MaskEvent} */ event) => event.targets;
  const values = percentages;
  const kind = /** @type {const} */ ("masks");
  const drawOff = createGrid(ctx, {
    ...{ kind, columns, values, host: offHost, tools: offTools, top: 1 },
    grid: (event) => event.off,
  });
  const drawFlipped = createGrid(ctx, {
    ...{ kind, columns, values, host: flippedHost, tools: el("span") },
    grid: (event) => event.flipped,
  });
  body.append(mapTitle(say("scores")));
  const drawScores = createHistogram(body, say("scores"));

  return (view) => {
    offHost.hidden = offTools.hidden = flipped;
    flippedHost.hidden = !flipped;
    const event = flipped ? drawFlipped(view) : drawOff(view);
    if (!event) return;
    const newest = view.tape.all("masks").at(-1) ?? event;
    drawScores(event, Math.max(1, ...newest.counts, ...event.counts));
  };
};

/** @type {Panel} */
export const masks = { name: "masks", order: 1, side: "left", tall: 560, needs: "masks", mount };
