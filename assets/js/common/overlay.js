// The losses of several runs in one plot, on Runs.
// @ts-check

import { paletteOf } from "./colour.js";
import { button, el, find, tickBox } from "./dom.js";
import { createPlot, plotLayout } from "./plotly.js";

/** @import { Palette, PlotlyHost, Words } from "../types.js" */
/** @typedef {[step: number, loss: number]} Point */
/** @typedef {{name: string, training: Point[], validation: Point[]}} Line one run, its name without markup */

/** @type {ReadonlyArray<[dash: string, lengths: number[]]>} strokes and gaps in turn, as long as they are in a key */
const DASHES = [
  ["solid", [24]],
  ["dash", [7, 4]],
  ["dot", [2, 3]],
  ["dashdot", [7, 3, 2, 3]],
];
const DECADES = 100;

/**
 * Whether the losses are so far apart that only a logarithmic axis shows all of them.
 *
 * @param {Line[]} lines
 */
export const farApart = (lines) => {
  const losses = lines.flatMap(({ training, validation }) => [...training, ...validation]).map(([, loss]) => loss);
  const positive = losses.filter((loss) => loss > 0);
  return Math.max(...positive) > DECADES * Math.min(...positive);
};

/**
 * Where a logarithmic axis has its numbers: at 1, 2 and 5 of each decade, or at 1 where there are many. Plotly's own
 * choice writes the 2 and the 5 smaller than anybody reads from a distance.
 *
 * @param {Line[]} lines
 */
export const logTicks = (lines) => {
  const losses = lines.flatMap(({ training, validation }) => [...training, ...validation]).map(([, loss]) => loss);
  const positive = losses.filter((loss) => loss > 0);
  const low = Math.floor(Math.log10(Math.min(...positive)));
  const high = Math.ceil(Math.log10(Math.max(...positive)));
  if (!Number.isFinite(low + high)) return {};
  const decades = Array.from({ length: high - low + 1 }, (_, n) => low + n);
  const steps = decades.length > 4 ? [1] : [1, 2, 5];
  const tickvals = decades.flatMap((decade) => steps.map((step) => Number(`${step}e${decade}`)));
  return { tickvals, ticktext: tickvals.map(String) };
};

/**
 * How the n-th run is drawn.
 *
 * @param {number} n
 * @param {Palette} palette
 */
const strokeOf = (n, palette) => {
  const [dash, lengths] = DASHES[Math.floor(n / 2) % DASHES.length];
  return { color: n % 2 ? palette.base : palette.tuned, dash, lengths };
};

/**
 * A line of a run as a picture for CSS: its strokes and gaps, over and over.
 *
 * @param {number} n
 * @param {Palette} palette
 */
export const strokePicture = (n, palette) => {
  const { color, lengths } = strokeOf(n, palette);
  let at = 0;
  const stops = lengths.map((length, i) => {
    const from = at;
    at += length;
    return `${i % 2 ? "transparent" : color} ${from}px ${at}px`;
  });
  return `repeating-linear-gradient(90deg, ${stops.join(", ")})`;
};

/**
 * Validation losses in bold, training losses faint behind them.
 *
 * @param {Line[]} lines
 * @param {boolean} log whether the axis of losses is logarithmic
 * @param {Palette} palette
 * @param {Words} words
 * @param {ReadonlySet<number>} [hidden] the runs that are not drawn, by their place
 * @returns {{data: object[], layout: object}}
 */
export const overlayPlot = (lines, log, palette, words, hidden = new Set()) => {
  const data = lines.flatMap(({ name, training, validation }, n) => {
    const { color, dash } = strokeOf(n, palette);
    /**
     * @param {Point[]} points
     * @param {number} width
     * @param {object} style
     */
    const trace = (points, width, style) => ({
      ...{ x: points.map(([step]) => step), y: points.map(([, loss]) => (log && loss <= 0 ? null : loss)) },
      ...{ mode: "lines", visible: !hidden.has(n), line: { color, width, dash } },
      ...style,
    });
    return [
      trace(training, 1, { opacity: 0.3, hoverinfo: "skip" }),
      trace(validation, 2.5, { name, hovertemplate: "%{y:.3g}" }),
    ];
  });
  const axis = { gridcolor: palette.line, linecolor: palette.line, zeroline: false };
  const layout = {
    ...plotLayout(palette),
    margin: { l: 48, r: 16, t: 8, b: 48 },
    hovermode: "x unified",
    hoverlabel: { bgcolor: palette.panel },
    dragmode: "zoom",
    uirevision: String(log),
    xaxis: { ...axis, title: { text: words["runs.plot.x"], standoff: 8 } },
    yaxis: {
      ...axis,
      ...(log ? { type: "log", ...logTicks(lines) } : { rangemode: "tozero" }),
    },
  };
  return { data, layout };
};

/**
 * Draw whatever lines the server puts into an element. The axis of losses is logarithmic where they need that, until
 * somebody chooses.
 *
 * @param {HTMLElement} element
 */
export const mountOverlay = (element) => {
  /** @type {boolean | null} */
  let chosen = null;

  const mount = () => {
    const frame = /** @type {HTMLElement | null} */ (element.querySelector("[data-lines]:not([data-drawn])"));
    if (!frame) return;
    frame.dataset.drawn = "";
    const lines = /** @type {Line[]} */ (JSON.parse(frame.dataset.lines ?? "[]"));
    const words = /** @type {Words} */ (JSON.parse(frame.dataset.words ?? "{}"));
    const log = tickBox();
    log.checked = chosen ?? farApart(lines);
    const host = /** @type {PlotlyHost} */ (/** @type {HTMLElement} */ (find(frame, ".gl-overlay-plot")));
    const plot = createPlot(host, { displayModeBar: false }, {});
    const hidden = /** @type {Set<number>} */ (new Set());
    const keys = lines.map(({ name }, n) => button(name, () => toggle(n), { class: "gl-stroke" }));
    const draw = () => {
      const palette = paletteOf(element);
      for (const [n, key] of keys.entries()) {
        key.style.setProperty("--stroke", strokePicture(n, palette));
        key.setAttribute("aria-pressed", String(!hidden.has(n)));
      }
      plot(`${log.checked} ${[...hidden]} ${host.clientWidth} ${palette.key}`, () =>
        overlayPlot(lines, log.checked, palette, words, hidden),
      );
    };
    /** @param {number} n the run that shall be drawn, or no more */
    const toggle = (n) => {
      if (!hidden.delete(n)) hidden.add(n);
      draw();
    };
    log.addEventListener("change", () => {
      chosen = log.checked;
      draw();
    });
    const title = el("span", { text: words["runs.plot.y"] });
    frame.prepend(
      el("div", { class: "gl-keys" }, title, el("label", {}, log, ` ${words["runs.plot.log"]}`)),
      el("div", { class: "gl-keys" }, ...keys),
    );
    new ResizeObserver(draw).observe(host);
  };
  new MutationObserver(mount).observe(element, { childList: true, subtree: true });
  mount();
};
