// The picture of a search as Plotly's data and layout.
// @ts-check

import { plotLayout } from "../common/plotly.js";

/** @import { Objective, Palette, SearchPoint } from "../types.js" */
/** @typedef {{x: Objective, y: Objective}} Axes what each axis shows */

const SYMBOLS = { prompts: "circle", adapters: "square", weights: "diamond", beside: "triangle-up" };

/**
 * The runs that are beaten by no other, small ones first.
 *
 * @param {SearchPoint[]} points
 */
export const best = (points) =>
  points.filter((point) => point.best).sort((a, b) => (a.trainable ?? 0) - (b.trainable ?? 0));

/**
 * What the axes show at first: size against loss, where the search asks for them.
 *
 * @param {Objective[]} objectives
 * @returns {Axes}
 */
export const firstAxes = (objectives) => {
  const y = objectives.includes("loss") ? "loss" : objectives[0];
  const others = objectives.filter((name) => name !== y);
  return { x: others.includes("trainable") ? "trainable" : (others[0] ?? "trainable"), y };
};

/**
 * @param {SearchPoint[]} points
 * @param {Axes} axes
 * @param {boolean} lined whether the best runs make a line: where the axes show all that the search asks for
 * @param {number | null} picked number of the run that was clicked
 * @param {{palette: Palette, colour: (family: string) => string, say: (key: string) => string}} look how it is drawn
 * @returns {{data: object[], layout: object}}
 */
export const searchPlot = (points, axes, lined, picked, { palette, colour, say }) => {
  const known = points.filter((point) => point[axes.x] !== null && point[axes.y] !== null);
  const front = lined ? best(known).sort((a, b) => Number(a[axes.x]) - Number(b[axes.x])) : [];
  const dots = {
    x: known.map((point) => point[axes.x]),
    y: known.map((point) => point[axes.y]),
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
    x: front.map((point) => point[axes.x]),
    y: front.map((point) => point[axes.y]),
    mode: "lines",
    hoverinfo: "skip",
    line: { color: palette.base, width: 1.5, shape: "hv" },
  };
  /** @param {Objective} name */
  const axis = (name) => ({
    ...{ gridcolor: palette.line, linecolor: palette.line, zeroline: false, fixedrange: true },
    title: { text: say(`axis.${name}`), standoff: 8 },
    ...(name === "trainable" ? { type: "log", dtick: "D2" } : {}),
  });
  const layout = {
    ...plotLayout(palette),
    margin: { l: 56, r: 16, t: 8, b: 44 },
    hovermode: "closest",
    xaxis: axis(axes.x),
    yaxis: axis(axes.y),
  };
  return { data: [line, dots], layout };
};
