// The picture of the method zoo as Plotly's data and layout.
// @ts-check

import { plotLayout } from "../common/plotly.js";

/** @import { Measure, Palette, ZooMethod } from "../types.js" */

const SYMBOLS = { prompts: "circle", adapters: "square", weights: "diamond", beside: "triangle-up" };
const TALLEST = 34;
const SMALLEST = 9;
const ROOMY = 560; // below this width the names stand only in the legend

/**
 * @param {Palette} palette
 * @param {string} title
 * @param {object} more
 */
const axis = (palette, title, more) => ({
  title: { text: title, standoff: 8 },
  gridcolor: palette.line,
  linecolor: palette.line,
  zeroline: false,
  fixedrange: true,
  ...more,
});

/**
 * Ends of the vertical axis, with room for the names above the dots.
 *
 * @param {number[]} values
 * @param {boolean} share whether the values are shares, whose axis is fixed
 */
const verticalRange = (values, share) => {
  const [low, high] = share ? [0, 1] : [Math.min(...values), Math.max(...values)];
  const span = high - low || 1;
  return [low - 0.06 * span, high + 0.4 * span];
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
 * The names beside the dots.
 *
 * @param {ZooMethod[]} methods
 * @param {Measure} measure
 * @param {number[]} sizes
 */
const labels = (methods, measure, sizes) =>
  methods.map((one, i) => ({
    x: Math.log10(one.trainable),
    y: one[measure],
    text: one.title,
    showarrow: false,
    textangle: -40,
    xanchor: "left",
    yanchor: "bottom",
    xshift: 2,
    yshift: sizes[i] / 2 - 2,
    captureevents: false,
  }));

/**
 * @param {ZooMethod[]} methods
 * @param {Measure} measure
 * @param {{palette: Palette, colour: (family: string) => string, width: number, say: (key: string) => string}} look how it is drawn
 * @returns {{data: object[], layout: object}}
 */
export const zooPlot = (methods, measure, { palette, colour, width, say }) => {
  const share = measure === "exact_match";
  const sizes = diameters(methods);
  const values = methods.map((one) => one[measure]);
  const dots = {
    x: methods.map((one) => one.trainable),
    y: values,
    mode: "markers",
    hoverinfo: "none",
    marker: {
      size: sizes,
      symbol: methods.map((one) => SYMBOLS[one.family]),
      color: methods.map((one) => colour(one.family)),
      opacity: 0.85,
      line: { width: 1, color: palette.panel },
    },
  };
  const untuned = share ? methods[0].base_exact_match : 0;
  const dotted = { color: palette.base, dash: "dot", width: 1 };
  const right = { xref: "paper", x: 1, y: untuned, xanchor: "right", yanchor: "bottom", showarrow: false };
  const roomy = width >= ROOMY;
  const decades = methods.map((one) => Math.log10(one.trainable));
  const layout = {
    ...plotLayout(palette),
    margin: { l: 56, r: roomy ? 70 : 16, t: 8, b: 44 },
    hovermode: "closest",
    shapes: [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: untuned, y1: untuned, line: dotted }],
    annotations: [...(roomy ? labels(methods, measure, sizes) : []), { ...right, text: say("untuned") }],
    xaxis: axis(palette, say("x"), {
      type: "log",
      dtick: 1,
      range: [Math.min(...decades) - 0.2, Math.max(...decades) + 0.25],
    }),
    yaxis: axis(palette, say(`y.${measure}`), {
      range: verticalRange([...values, untuned], share),
      ...(share ? { tickformat: ".0%", tickvals: [0, 0.25, 0.5, 0.75, 1] } : {}),
    }),
  };
  return { data: [dots], layout };
};
