// The picture of the method zoo as Plotly's data and layout.
// @ts-check

import { plotLayout } from "../common/plotly.js";
import { placesOf, shortName } from "./zoo_names.js";

/** @import { Measure, Palette, ZooMethod } from "../types.js" */
/** @import { Stand } from "./zoo_names.js" */
/** @typedef {{x: Measure, y: Measure}} Axes what each axis shows */

const SYMBOLS = {
  ...{ prompts: "circle", adapters: "square", weights: "diamond", beside: "triangle-up", other: "circle-open" },
};
const NAMED = 25; // of more marks than these only those on the Pareto line have their name beside them
const TALLEST = 34;
const SMALLEST = 9;
const ROOMY = 560; // below this width the names stand only in the legend
const MIDDLING = 18; // above marks whose names have more, there is more room
const QUARTERS = [0, 0.25, 0.5, 0.75, 1]; // of a score
const TENTHS = [0, 0.1, 0.2, 0.3, 0.4, 0.5];
const MARGIN = { l: 64, r: 70, t: 8, b: 48 };
const HEIGHT = 380; // as in the style sheet
const POINTER = { across: 0.03, up: 0.3, along: 46, down: 34, radius: 40 }; // to the better corner: its tip as shares of the plot, its length in pixels
const PLENTY = 20; // from this ratio of the largest to the smallest value on an axis is logarithmic

/**
 * Whether more of a measure is better: 1, or -1.
 *
 * @param {Measure} measure
 */
const goodWay = (measure) => (measure === "exact_match" ? 1 : -1);

/**
 * A number beside an axis, as Plotly writes those that it chooses itself: there is no room for seven digits.
 *
 * @param {number} mark
 */
const short = (mark) =>
  Number(mark.toPrecision(1))
    .toLocaleString("en", { notation: "compact", maximumSignificantDigits: 1 })
    .replace("K", "k");

/**
 * One axis: its scale, its ends with room for names, and where a value stands on it in the unit of the range.
 *
 * @param {number[]} values
 * @param {Measure} measure
 * @param {[below: number, above: number]} room as shares of the span
 */
const scaleOf = (values, measure, room) => {
  if (measure === "exact_match") {
    const most = Math.max(...values) > 0.75 ? 1 : 0.5;
    const range = [-room[0] * most, (1 + room[1]) * most];
    return { log: false, range, of: Number, ticks: { tickformat: ".0%", tickvals: most === 1 ? QUARTERS : TENTHS } };
  }
  const above = values.filter((value) => value > 0);
  const least =
    above.length < values.length && Math.min(...values) === 0 ? Math.min(...above) / 2 : Math.min(...values);
  const log = least > 0 && Math.max(...values) / least > PLENTY;
  /** @param {number} value one that rounds to 0 stands at the edge of a logarithmic axis */
  const of = (value) => (log ? Math.log10(Math.max(value, least)) : value);
  const [low, high] = [of(least), of(Math.max(...values))];
  const span = high - low || 1;
  const marks = [-3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((power) => [1, 2, 5].map((n) => n * 10 ** power));
  const shown = marks.filter((mark) => of(mark) >= low - room[0] * span && of(mark) <= high + room[1] * span);
  const few = shown.length > 7 ? shown.filter((mark) => Math.abs(Math.log10(mark) % 1) < 1e-9) : shown;
  const ticks = log ? { tickvals: few, ticktext: few.map(short) } : {};
  return { log, range: [low - room[0] * span, high + room[1] * span], of, ticks };
};

/**
 * Diameter of each dot: its area is the time that training took.
 *
 * @param {ZooMethod[]} methods
 */
const diameters = (methods) => {
  const slowest = Math.max(...methods.map((method) => method.seconds));
  return methods.map((one) => Math.max(SMALLEST, TALLEST * Math.sqrt(one.seconds / slowest)));
};

/**
 * The name of a method beside its dot.
 *
 * @param {ZooMethod} method
 * @param {{x: number, y: number}} place of the dot in the units of the axes
 * @param {Stand} stand
 */
const label = (method, place, { angle, ...stand }) => ({
  ...place,
  ...stand,
  text: shortName(method.title),
  showarrow: false,
  textangle: (-180 * angle) / Math.PI,
  captureevents: false,
});

/**
 * Which marks no other one beats on both axes: the Pareto line, from left to right.
 *
 * @param {number[]} x
 * @param {number[]} y
 * @param {Axes} axes
 * @returns {number[]} their indices
 */
export const paretoLine = (x, y, axes) => {
  const [across, up] = [axes.x, axes.y].map(goodWay);
  const beaten = (/** @type {number} */ i) =>
    x.some((_, j) => {
      const [dx, dy] = [across * (x[j] - x[i]), up * (y[j] - y[i])];
      return dx >= 0 && dy >= 0 && (dx > 0 || dy > 0);
    });
  return [...x.keys()].filter((i) => !beaten(i)).sort((i, j) => x[i] - x[j] || y[i] - y[j]);
};

/**
 * Where the pointer to the better corner stands, as a share of the plot's width.
 *
 * @param {number} way 1 where more is better on the axis that runs across, or -1
 */
const pointerAt = (way) => (way > 0 ? 1 - POINTER.across : POINTER.across);

/**
 * An arrow to the corner where both axes are good: a score is better when it is larger, all else when it is less.
 *
 * @param {Axes} axes
 * @param {Palette} palette
 * @param {string} text
 */
const better = ({ x, y }, palette, text) => {
  const [across, up] = [x, y].map(goodWay);
  return {
    ...{ xref: "paper", yref: "paper", x: pointerAt(across), y: POINTER.up, text, showarrow: true },
    ...{
      ax: -POINTER.along * across,
      ay: POINTER.down * up,
      arrowhead: 2,
      arrowwidth: 1.5,
      arrowcolor: palette.accent,
    },
    font: { color: palette.accent, size: 14 },
  };
};

/**
 * Lines from the lowest to the highest score of each method's runs, on the axis that shows scores.
 *
 * @param {ZooMethod[]} methods
 * @param {Measure} measure
 * @param {Palette} palette
 */
export const spans = (methods, measure, palette) => ({
  ...{ type: "data", symmetric: false, thickness: 1, width: 0, color: palette.muted },
  visible: measure === "exact_match" && methods.some((one) => (one.seeds ?? 1) > 1),
  array: methods.map((one) => (one.highest ?? one.exact_match) - one.exact_match),
  arrayminus: methods.map((one) => one.exact_match - (one.lowest ?? one.exact_match)),
});

/**
 * @param {ZooMethod[]} methods
 * @param {Axes} axes
 * @param {{palette: Palette, colour: (family: string) => string, width: number, say: (key: string) => string}} look how it is drawn
 * @returns {{data: object[], layout: object}}
 */
export const zooPlot = (methods, axes, { palette, colour, width, say }) => {
  const sizes = diameters(methods);
  const values = { x: methods.map((one) => one[axes.x]), y: methods.map((one) => one[axes.y]) };
  const roomy = width >= ROOMY;
  const margin = { ...MARGIN, r: roomy ? MARGIN.r : 16 };
  const above = methods.some((one) => shortName(one.title).length > MIDDLING) ? 0.65 : 0.4;
  const scales = { x: scaleOf(values.x, axes.x, [0.06, 0.06]), y: scaleOf(values.y, axes.y, [0.08, above]) };
  const places = methods.map((_, i) => ({ x: scales.x.of(values.x[i]), y: scales.y.of(values.y[i]) }));
  const [low, high] = scales.x.range;
  const [bottom, top] = scales.y.range;
  const inner = { width: width - margin.l - margin.r, height: HEIGHT - margin.t - margin.b };
  const pixels = places.map(({ x, y }, i) => ({
    across: ((x - low) / (high - low)) * inner.width,
    up: ((y - bottom) / (top - bottom)) * inner.height,
    radius: sizes[i] / 2,
    name: methods[i].title,
  }));
  /** @param {"x" | "y"} name */
  const drawn = (name) => places.map((place) => (scales[name].log ? 10 ** place[name] : place[name]));
  const [x, y] = [drawn("x"), drawn("y")];
  const best = paretoLine(x, y, axes);
  const line = {
    ...{ x: best.map((i) => x[i]), y: best.map((i) => y[i]), mode: "lines", hoverinfo: "skip" },
    line: { color: palette.accent, width: 1, dash: "dot" },
  };
  const dots = {
    ...{ x, y, mode: "markers", hoverinfo: "none" },
    ...{ error_x: spans(methods, axes.x, palette), error_y: spans(methods, axes.y, palette) },
    marker: {
      size: sizes,
      symbol: methods.map((one) => SYMBOLS[one.family]),
      color: methods.map((one) => colour(one.family)),
      opacity: 0.85,
      line: { width: 1, color: palette.panel },
    },
  };
  /** @param {"x" | "y"} name */
  const axis = (name) => ({
    ...{ gridcolor: palette.line, linecolor: palette.line, zeroline: false, fixedrange: true },
    title: { text: say(`of.${axes[name]}`), standoff: 8 },
    type: scales[name].log ? "log" : "linear",
    range: scales[name].range,
    ...scales[name].ticks,
  });
  const shown = roomy ? (methods.length > NAMED ? best : [...methods.keys()]) : [];
  const edges = { right: width - margin.l, top: HEIGHT - margin.b };
  const named = shown.map((i) => pixels[i]);
  const ways = { x: goodWay(axes.x), y: goodWay(axes.y) };
  const pointer = {
    across: pointerAt(ways.x) * inner.width - (ways.x * POINTER.along) / 2,
    up: POINTER.up * inner.height - (ways.y * POINTER.down) / 2,
    radius: POINTER.radius,
  };
  const names = placesOf(named, [...pixels, pointer], edges).flatMap((stand, n) =>
    stand ? [label(methods[shown[n]], places[shown[n]], stand)] : [],
  );
  const layout = {
    ...plotLayout(palette),
    margin,
    hovermode: "closest",
    annotations: [...names, better(axes, palette, say("better"))],
    xaxis: axis("x"),
    yaxis: axis("y"),
  };
  return { data: [dots, line], layout };
};
