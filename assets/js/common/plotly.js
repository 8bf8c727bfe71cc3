// Plotly, loaded once, from the server that serves this page, and not before a picture needs it.
// @ts-check

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
  return async (key, build) => {
    if (!host.clientWidth || key === drawn) return true;
    drawn = key;
    const Plotly = await loadPlotly();
    if (key !== drawn) return false;
    if (!host.clientWidth) {
      drawn = "";
      return false;
    }
    const { data, layout } = build();
    await Plotly.react(host, data, { ...layout, width: host.clientWidth, height: host.clientHeight }, config);
    if (!listening) for (const [name, listener] of Object.entries(listeners)) host.on(name, listener);
    listening = true;
    return true;
  };
};
