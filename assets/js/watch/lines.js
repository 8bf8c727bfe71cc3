// Line charts over the steps of a run, on a canvas: a click picks a step.
// @ts-check

import { fitCanvas, pointOn } from "../common/canvas.js";
import { paletteOf } from "../common/colour.js";
import { el } from "../common/dom.js";
import { clamp } from "../common/maths.js";
import { figure } from "../common/text.js";
import { stepName, stepScale } from "./steps.js";

/** @import { Chart, Palette, Series, StepScale, StripChart } from "../types.js" */
/**
 * @typedef {object} Geometry
 * @property {number} width in CSS pixels
 * @property {number} left of it, where the names of values stand
 * @property {StepScale} scale
 * @property {number} span position of the last step on the scale
 * @property {(step: number) => number} x
 * @property {(value: number) => number} y
 */

const HEIGHT = 118;
const MARGIN = { left: 44, right: 14, top: 6, bottom: 20 }; // left at least: names may be longer
const BESIDE = 5; // between the name of a value and its line

/** @param {number} mark */
const rounded = (mark) => figure(mark, 2);

/** @param {Palette} palette */
const fontOf = (palette) => `13px ${palette.font}`;

/**
 * @param {CanvasRenderingContext2D} context
 * @param {[x: number, y: number][]} points
 */
const polyline = (context, points) => {
  context.beginPath();
  points.forEach(([x, y], i) => {
    if (i) context.lineTo(x, y);
    else context.moveTo(x, y);
  });
  context.stroke();
};

/**
 * The horizontal lines with their values, and the steps below.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Palette} palette
 * @param {Geometry} g
 * @param {number[]} marks
 * @param {(mark: number) => string} name of a mark
 */
const drawFrame = (context, palette, g, marks, name) => {
  context.font = fontOf(palette);
  context.strokeStyle = palette.line;
  context.fillStyle = palette.muted;
  context.lineWidth = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const value of marks) {
    polyline(context, [
      [g.left, g.y(value)],
      [g.width - MARGIN.right, g.y(value)],
    ]);
    context.fillText(name(value), g.left - BESIDE, g.y(value));
  }
  context.textAlign = "center";
  for (const mark of g.scale.marks ?? []) {
    const text = stepName(mark);
    const half = context.measureText(text).width / 2;
    context.fillText(text, Math.min(g.x(mark), g.width - half), HEIGHT - 8);
  }
};

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Palette} palette
 * @param {Geometry} g
 * @param {Series} line
 */
const drawSeries = (context, palette, g, line) => {
  context.strokeStyle = palette[line.colour ?? "base"];
  context.globalAlpha = line.faint ? 0.45 : 1;
  context.lineWidth = line.wide ? 2 : 1;
  context.setLineDash(line.dotted ? [2, 3] : []);
  polyline(
    context,
    line.values.map((value, i) => [g.x(line.steps[i]), g.y(value)]),
  );
  context.setLineDash([]);
  context.globalAlpha = 1;
};

/**
 * The margin in which the names of all values have room.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Palette} palette
 * @param {string[]} names
 */
const marginOf = (context, palette, names) => {
  context.font = fontOf(palette);
  return Math.max(MARGIN.left, ...names.map((name) => Math.ceil(context.measureText(name).width) + BESIDE + 1));
};

/**
 * @param {number} width
 * @param {number} left
 * @param {Pick<Chart, "low" | "high" | "last">} chart
 * @returns {Geometry}
 */
const geometry = (width, left, { low = 0, high, last }) => {
  const scale = stepScale(true, last);
  const span = scale.of(Math.max(1, last));
  const inner = width - left - MARGIN.right;
  const tall = HEIGHT - MARGIN.top - MARGIN.bottom;
  return {
    width,
    left,
    scale,
    span,
    x: (step) => left + (scale.of(step) / span) * inner,
    y: (value) => MARGIN.top + tall * (1 - clamp((value - low) / (high - low || 1), 0, 1)),
  };
};

/**
 * A canvas with lines over steps. `lines` are kept as a picture until `key` changes, `bold` are drawn anew each time.
 *
 * @param {HTMLElement} host
 * @param {string} label for screen readers
 * @param {(step: number) => void} pick called with the step that is clicked
 * @returns {(chart: Chart) => void} draw
 */
export const createLines = (host, label, pick) => {
  const canvas = el("canvas", { class: "gl-strip", role: "img", "aria-label": label });
  host.append(canvas);
  const still = document.createElement("canvas");
  let g = geometry(0, MARGIN.left, { high: 1, last: 1 });
  let kept = "";

  canvas.addEventListener("click", (event) => {
    const inner = g.width - g.left - MARGIN.right;
    const share = (pointOn(canvas, event).x - g.left) / inner;
    pick(g.scale.back(clamp(share, 0, 1) * g.span));
  });

  return (chart) => {
    const width = canvas.clientWidth;
    if (!width) return;
    const { low = 0, high, last } = chart;
    const palette = paletteOf(canvas);
    const [marks, name] = [chart.marks ?? [low, high], chart.name ?? rounded];
    const context = fitCanvas(canvas, width, HEIGHT);
    g = geometry(width, marginOf(context, palette, marks.map(name)), chart);
    const key = `${chart.key} ${width} ${low} ${high} ${last} ${palette.key}`;
    if (key !== kept) {
      const paper = fitCanvas(still, width, HEIGHT);
      drawFrame(paper, palette, g, marks, name);
      for (const line of chart.lines) drawSeries(paper, palette, g, line);
      kept = key;
    }
    context.drawImage(still, 0, 0, width, HEIGHT);
    for (const line of chart.bold ?? []) drawSeries(context, palette, g, line);
    context.strokeStyle = palette.accent;
    context.lineWidth = 1.5;
    const x = g.x(chart.step);
    polyline(context, [
      [x, MARGIN.top - 4],
      [x, HEIGHT - MARGIN.bottom + 2],
    ]);
  };
};

/**
 * Many thin lines of one kind, of which one may be picked.
 *
 * @param {HTMLElement} host
 * @param {string} label for screen readers
 * @param {(step: number) => void} pick called with the step that is clicked
 * @param {-1 | 0} [lowest] -1 for values of both signs, 0 for sizes
 * @returns {(chart: StripChart) => void} draw
 */
export const createStrip = (host, label, pick, lowest = -1) => {
  const draw = createLines(host, label, pick);
  return ({ key, steps, lines, picked, step, most, last }) => {
    /** @type {Series[]} */
    const bold = picked === null ? [] : [{ steps, values: lines[picked], colour: "ink", wide: true }];
    const thin = lines.map((values) => ({ steps, values, faint: true }));
    const marks = lowest ? [-most, 0, most] : [0, most];
    draw({ key, lines: thin, bold, step, last, low: lowest * most, high: most, marks });
  };
};
