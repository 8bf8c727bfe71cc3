// Plotly, loaded once, from the server that serves this page, and not before a picture needs it.
// @ts-check

import { pageScale } from "./canvas.js";

/** @import { Palette, PlotlyEvent, PlotlyHost, PlotlyModule } from "../types.js" */

const ADDRESS = new URL("../plotly.min.js", import.meta.url).href;

/** @type {Promise<PlotlyModule> | null} */
let loading = null;

/** Resolves to Plotly. */
const loadPlotly = () => {
  loading ??= new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: ADDRESS });
    script.onload = () => resolve(/** @type {any} */ (window).Plotly);
    script.onerror = () => reject(new Error("plotly.min.js did not load"));
    document.head.append(script);
  });
  return loading;
};

// What an axis says is as large as its numbers.
const AXIS = { title: { font: { size: 13 } } };

/**
 * The layout that all our plots share: no frame, the page's font and colours.
 *
 * @param {Palette} palette
 */
export const plotLayout = (palette) => ({
  margin: { l: 38, r: 10, t: 6, b: 34 },
  paper_bgcolor: "rgba(0,0,0,0)",
  plot_bgcolor: "rgba(0,0,0,0)",
  font: { family: palette.font, size: 13, color: palette.muted },
  showlegend: false,
  template: { layout: { xaxis: AXIS, yaxis: AXIS } },
});

// What of a plot is in pixels; "width" is that of a line.
const IN_PIXELS = new Set([
  "size",
  "width",
  "l",
  "r",
  "t",
  "b",
  "ax",
  "ay",
  "xshift",
  "yshift",
  "standoff",
  "arrowwidth",
]);

/**
 * Data and layout of a plot, so many times larger.
 *
 * @param {unknown} part
 * @param {number} scale
 * @param {string} [name] of the part
 * @returns {unknown}
 */
export const enlarged = (part, scale, name = "") => {
  if (scale === 1) return part;
  if (typeof part === "number") return IN_PIXELS.has(name) ? part * scale : part;
  if (Array.isArray(part)) return part.map((one) => enlarged(one, scale, name));
  if (part === null || typeof part !== "object") return part;
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, enlarged(value, scale, key)]));
};

/**
 * A plot in a host element.
 *
 * The returned function draws what `build` makes, if the key is another one than at the last drawing. It resolves to
 * whether the plot is up to date: it is not where, while Plotly was loading, another drawing was asked for or the host
 * was hidden. A hidden host has no size to draw for: Plotly would choose one and keep it.
 *
 * @param {PlotlyHost} host
 * @param {object} config
 * @param {Record<string, (event: PlotlyEvent) => void>} listeners added after the first drawing
 * @returns {(key: string, build: () => {data: object[], layout: object}) => Promise<boolean>}
 */
export const createPlot = (host, config, listeners) => {
  let drawn = "";
  let listening = false;
  host.classList.add("gl-scaled");
  return async (key, build) => {
    if (!host.clientWidth || key === drawn) return true;
    drawn = key;
    const Plotly = await loadPlotly();
    if (key !== drawn) return false;
    if (!host.clientWidth) {
      drawn = "";
      return false;
    }
    const { data, layout } = /** @type {{data: object[], layout: object}} */ (enlarged(build(), pageScale()));
    await Plotly.react(host, data, { ...layout, width: host.clientWidth, height: host.clientHeight }, config);
    if (!listening) for (const [name, listener] of Object.entries(listeners)) host.on(name, listener);
    listening = true;
    return true;
  };
};
