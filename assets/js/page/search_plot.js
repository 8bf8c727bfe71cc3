// The picture of a search as Plotly's data and layout.
// @ts-check

import { plotLayout } from "../common/plotly.js";

/** @import { Palette, SearchPoint } from "../types.js" */

const SYMBOLS = { prompts: "circle", adapters: "square", weights: "diamond", beside: "triangle-up" };

/**
 * The runs that are beaten by no other, small ones first.
 *
 * @param {SearchPoint[]} points
 */
export const best = (points) =>
  points.filter((point) => point.best).sort((a, b) => (a.trainable ?? 0) - (b.trainable ?? 0));

/**
 * @param {SearchPoint[]} points
 * @param {number | null} picked number of the run that was clicked
 * @param {{palette: Palette, colour: (family: string) => string, say: (key: string) => string}} look how it is drawn
 * @returns {{data: object[], layout: object}}
 */
export const searchPlot = (points, picked, { palette, colour, say }) => {
  const known = points.filter((point) => point.loss !== null && point.trainable !== null);
  const front = best(points);
  const dots = {
    x: known.map((point) => point.trainable),
    y: known.map((point) => point.loss),
    customdata: known.map((point) => point.number),
    mode: "markers",
    hoverinfo: "none",
    marker: {
      size: known.map((point) => (point.number === picked ? 17 : 11)),
      symbol: known.map((point) => SYMBOLS[point.family] + (point.state === "pruned" ? "-open" : "")),
      color: known.map((point) => colour(point.family)),
      opacity: known.map((point) => (point.best ? 1 : 0.4)),
      line: { width: 1.5, color: known.map((point) => colour(point.family)) },
    },
  };
  const line = {
    x: front.map((point) => point.trainable),
    y: front.map((point) => point.loss),
    mode: "lines",
    hoverinfo: "skip",
    line: { color: palette.base, width: 1.5, shape: "hv" },
  };
  const axis = { gridcolor: palette.line, linecolor: palette.line, zeroline: false, fixedrange: true };
  const layout = {
    ...plotLayout(palette),
    margin: { l: 56, r: 16, t: 8, b: 44 },
    hovermode: "closest",
    xaxis: { ...axis, title: { text: say("x"), standoff: 8 }, type: "log", dtick: "D2" },
    yaxis: { ...axis, title: { text: say("y"), standoff: 8 } },
  };
  return { data: [line, dots], layout };
};
