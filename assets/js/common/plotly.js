// Plotly, loaded once, from the server that serves this page, and not before a picture needs it.
// @ts-check

/** @import { Palette, PlotlyModule } from "../types.js" */

const ADDRESS = new URL("../plotly.min.js", import.meta.url).href;

/** @type {Promise<PlotlyModule> | null} */
let loading = null;

/** Resolves to Plotly. */
export const loadPlotly = () => {
  loading ??= new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: ADDRESS });
    script.onload = () => resolve(/** @type {any} */ (window).Plotly);
    script.onerror = () => reject(new Error("plotly.min.js did not load"));
    document.head.append(script);
  });
  return loading;
};

/**
 * The layout that all our plots share: no frame, the page's font and colours.
 *
 * @param {Palette} palette
 */
export const plotLayout = (palette) => ({
  margin: { l: 38, r: 10, t: 6, b: 34 },
  paper_bgcolor: "rgba(0,0,0,0)",
  plot_bgcolor: "rgba(0,0,0,0)",
  font: { family: palette.font, size: 11, color: palette.muted },
  showlegend: false,
});
