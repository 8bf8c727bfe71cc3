// The picture of a learning-rate ladder as Plotly's data and layout.
// @ts-check

import { plotLayout } from "../common/plotly.js";

/** @import { Ladder, Palette, Words } from "../types.js" */

/** @param {number} rate */
export const rateText = (rate) => String(Number(rate.toPrecision(2)));

/**
 * The validation losses of all rates over the steps. The best is bold, who is out is faint.
 *
 * @param {Ladder} ladder
 * @param {Palette} palette
 * @param {Words} words
 * @returns {{data: object[], layout: object}}
 */
export const ladderPlot = (ladder, palette, words) => {
  const data = ladder.rates.map((one) => {
    const best = one.state === "best";
    const color = one.state === "out" ? palette.base : palette.tuned;
    const points = one.losses.filter(([, loss]) => loss > 0);
    return {
      x: points.map(([step]) => step),
      y: points.map(([, loss]) => loss),
      mode: "lines+markers+text",
      text: points.map((_, i) => (i === points.length - 1 ? rateText(one.rate) : "")),
      textposition: "middle right",
      textfont: { color: palette.ink },
      cliponaxis: false,
      hovertemplate: `${rateText(one.rate)}: %{y:.4g}<extra></extra>`,
      opacity: one.state === "out" ? 0.45 : 1,
      line: { color, width: best ? 3 : 1.5 },
      marker: { color, size: best ? 7 : 5 },
    };
  });
  const axis = { gridcolor: palette.line, linecolor: palette.line, zeroline: false, fixedrange: true };
  const rungs = ladder.rungs.slice(0, -1).map((step) => ({
    type: "line",
    yref: "paper",
    x0: step,
    x1: step,
    y0: 0,
    y1: 1,
    line: { color: palette.base, dash: "dot", width: 1 },
  }));
  const layout = {
    ...plotLayout(palette),
    margin: { l: 56, r: 64, t: 8, b: 44 },
    hovermode: "closest",
    shapes: rungs,
    xaxis: { ...axis, title: { text: words["ladder.x"], standoff: 8 }, range: [0, ladder.steps] },
    yaxis: { ...axis, title: { text: words["ladder.y"], standoff: 8 }, type: "log" },
  };
  return { data, layout };
};
