// A heat map on a canvas: hovering previews a cell, clicking picks it, arrow keys move the pick.
// @ts-check

import { contextOf, fitCanvas, pointOn } from "../common/canvas.js";
import { paletteOf } from "../common/colour.js";
import { el } from "../common/dom.js";
import { clamp } from "../common/maths.js";

/** @import { Cell, HeatMap, HeatMapListener, Palette } from "../types.js" */
/** @typedef {ReturnType<typeof layoutOf>} Layout */

const LABEL = 13;
const GAP = 2;
const BAR = 58;
const WIDEST_ROW_NAME = 110;
const LONGEST_COLUMN_NAME = 76;
/** @type {Record<string, [row: number, column: number]>} */
const ARROWS = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * A text cut to the width that there is for it.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} room
 */
const cut = (context, text, room) => {
  if (context.measureText(text).width <= room) return text;
  let length = text.length;
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > room) length -= 1;
  return `${text.slice(0, length)}…`;
};

/**
 * Where the cells lie: gutters for names on the left and below, bars on the right.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {HeatMap} chart
 * @param {number} width
 */
const layoutOf = (context, chart, width) => {
  /** @param {string[]} names */
  const longestOf = (names) => Math.max(...names.map((name) => context.measureText(name).width), 8);
  const left = Math.min(longestOf(chart.rowNames), WIDEST_ROW_NAME) + 8;
  const right = chart.bars ? BAR + 10 : 2;
  const cellWidth = Math.min((width - left - right) / chart.columns, chart.widest ?? 160);
  const short = longestOf(chart.columnNames) > cellWidth - 4 ? chart.shortNames : undefined;
  const columnNames = short ?? chart.columnNames;
  const longest = longestOf(columnNames);
  const slanted = longest > cellWidth - 4;
  const cellHeight = Math.max(chart.lowest ?? 12, Math.min(chart.tallest ?? 34, 230 / chart.rows));
  const below = slanted ? Math.min(longest, LONGEST_COLUMN_NAME) + 10 : 18;
  return { left, cellWidth, cellHeight, columnNames, slanted, height: chart.rows * cellHeight + below };
};

/**
 * @param {CanvasRenderingContext2D} context
 * @param {HeatMap} chart
 * @param {Layout} g
 * @param {Palette} palette
 */
const drawCells = (context, chart, g, palette) => {
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  for (let row = 0; row < chart.rows; row++) {
    for (let column = 0; column < chart.columns; column++) {
      const value = chart.value(row, column);
      if (Number.isNaN(value)) continue;
      context.fillStyle = chart.colour(value);
      const [x, y] = [g.left + column * g.cellWidth, (chart.rows - 1 - row) * g.cellHeight];
      context.fillRect(x, y, g.cellWidth - GAP, g.cellHeight - GAP);
      if (chart.edged) context.strokeRect(x + 0.5, y + 0.5, g.cellWidth - GAP - 1, g.cellHeight - GAP - 1);
    }
  }
};

/**
 * @param {CanvasRenderingContext2D} context
 * @param {HeatMap} chart
 * @param {Layout} g
 * @param {Cell} cell
 */
const drawOutline = (context, chart, g, [row, column]) => {
  const x = g.left + (column ?? 0) * g.cellWidth;
  const y = (row === null ? 0 : chart.rows - 1 - row) * g.cellHeight;
  const w = column === null ? g.cellWidth * chart.columns : g.cellWidth;
  const h = row === null ? g.cellHeight * chart.rows : g.cellHeight;
  context.strokeRect(x, y, w - GAP + 1, h - GAP + 1);
};

/**
 * @param {CanvasRenderingContext2D} context
 * @param {HeatMap} chart
 * @param {Layout} g
 */
const drawNames = (context, chart, g) => {
  context.textBaseline = "middle";
  context.textAlign = "right";
  chart.rowNames.forEach((name, row) => {
    context.fillText(cut(context, name, g.left - 8), g.left - 6, (chart.rows - row - 0.5) * g.cellHeight - GAP / 2);
  });
  const y = chart.rows * g.cellHeight;
  g.columnNames.forEach((name, column) => {
    context.save();
    context.translate(g.left + (column + 0.5) * g.cellWidth - GAP / 2, y + (g.slanted ? 4 : 9));
    if (g.slanted) context.rotate(-Math.PI / 2);
    context.textAlign = g.slanted ? "right" : "center";
    context.fillText(cut(context, name, g.slanted ? LONGEST_COLUMN_NAME : g.cellWidth), 0, 0);
    context.restore();
  });
};

/**
 * @param {CanvasRenderingContext2D} context
 * @param {HeatMap} chart
 * @param {Layout} g
 * @param {Palette} palette
 */
const drawBars = (context, chart, g, palette) => {
  const { bars } = chart;
  if (!bars) return;
  const x = g.left + chart.columns * g.cellWidth + 6;
  bars.values.forEach((value, row) => {
    const y = (chart.rows - 1 - row) * g.cellHeight + g.cellHeight / 2 - GAP / 2;
    context.fillStyle = palette.line;
    context.fillRect(x, y - 3, BAR, 6);
    context.fillStyle = palette.muted;
    context.fillRect(x, y - 3, BAR * Math.min(1, value / bars.most), 6);
  });
  context.textAlign = "left";
  context.fillText(bars.name, x, chart.rows * g.cellHeight + 9);
};

/**
 * Report to a listener what the pointer and the keys do on the canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {HeatMapListener} on
 * @param {() => {chart: HeatMap, g: Layout} | null} drawn what is on the canvas
 */
const listenTo = (canvas, on, drawn) => {
  /**
   * @param {MouseEvent} event
   * @returns {[row: number, column: number] | null}
   */
  const cellAt = (event) => {
    const now = drawn();
    if (!now) return null;
    const { chart, g } = now;
    const { x, y } = pointOn(canvas, event);
    const column = Math.floor((x - g.left) / g.cellWidth);
    const row = chart.rows - 1 - Math.floor(y / g.cellHeight);
    return row >= 0 && row < chart.rows && column >= 0 && column < chart.columns ? [row, column] : null;
  };
  let over = "";
  /** @param {[row: number, column: number] | null} cell */
  const hover = (cell) => {
    if (String(cell) === over) return;
    over = String(cell);
    on.hover(cell?.[0] ?? null, cell?.[1] ?? null);
  };
  canvas.addEventListener("pointermove", (event) => hover(cellAt(event)));
  canvas.addEventListener("pointerleave", () => hover(null));
  canvas.addEventListener("click", (event) => {
    const cell = cellAt(event);
    if (cell) on.pick(...cell);
  });
  canvas.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    const chart = drawn()?.chart;
    if (!arrow || !chart) return;
    event.preventDefault();
    event.stopPropagation();
    const [row, column] = chart.picked ?? [0, 0];
    on.pick(clamp((row ?? 0) + arrow[0], 0, chart.rows - 1), clamp((column ?? 0) + arrow[1], 0, chart.columns - 1));
  });
};

/**
 * A heat map in a host element.
 *
 * @param {HTMLElement} host
 * @param {HeatMapListener} on
 * @returns {(chart: HeatMap) => void} draw
 */
export const createHeatMap = (host, on) => {
  const canvas = el("canvas", { class: "gl-heat", tabindex: "0", role: "img", "aria-label": on.label });
  host.append(canvas);
  /** @type {{chart: HeatMap, g: Layout} | null} */
  let drawn = null;
  listenTo(canvas, on, () => drawn);

  return (chart) => {
    const width = canvas.clientWidth;
    if (!width || !chart.rows || !chart.columns) return;
    const palette = paletteOf(canvas);
    const font = `${LABEL}px ${palette.font}`;
    const measuring = contextOf(canvas);
    measuring.font = font;
    const g = layoutOf(measuring, chart, width);
    drawn = { chart, g };
    const context = fitCanvas(canvas, width, g.height);
    context.font = font;
    drawCells(context, chart, g, palette);
    context.fillStyle = palette.muted;
    drawNames(context, chart, g);
    drawBars(context, chart, g, palette);
    context.strokeStyle = palette.ink;
    context.lineWidth = 2;
    if (chart.picked) drawOutline(context, chart, g, chart.picked);
    context.lineWidth = 1;
    if (chart.hovered) drawOutline(context, chart, g, chart.hovered);
  };
};
