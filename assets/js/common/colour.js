// Colours from the page's CSS variables, and two colour scales: diverging for gates, sequential for sizes.
// @ts-check

import { el } from "./dom.js";
import { clamp, range } from "./maths.js";

/** @import { Palette } from "../types.js" */

const NAMES = /** @type {const} */ ([
  "panel",
  "ink",
  "muted",
  "line",
  "accent",
  "tuned",
  "base",
  "validation",
  "gate-neg",
  "gate-zero",
  "gate-pos",
]);
const STEPS = 64;

/** @type {Palette | null} */
let cached = null;

/**
 * @param {string} from
 * @param {string} to
 */
const mixes = (from, to) => range(STEPS + 1).map((i) => `color-mix(in oklab, ${to} ${(100 * i) / STEPS}%, ${from})`);

/**
 * @param {string[]} scale
 * @param {number} share 0 to 1
 */
const pick = (scale, share) => scale[Math.round(clamp(share, 0, 1) * STEPS)];

/**
 * The colours of the present theme.
 *
 * @param {Element} element
 * @returns {Palette}
 */
export const paletteOf = (element) => {
  const style = getComputedStyle(element);
  const key = style.getPropertyValue("--gl-panel") + style.getPropertyValue("--gl-gate-zero");
  if (cached?.key === key) return cached;
  const colours = /** @type {Record<typeof NAMES[number], string>} */ (
    Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--gl-${name}`).trim()]))
  );
  const negative = mixes(colours["gate-zero"], colours["gate-neg"]);
  const positive = mixes(colours["gate-zero"], colours["gate-pos"]);
  const sizes = mixes(colours.panel, colours.tuned);
  cached = {
    ...colours,
    key,
    font: style.getPropertyValue("--gl-font"),
    gate: (value, most = 1) => pick(value < 0 ? negative : positive, Math.abs(value) / most),
    ramp: (share) => pick(sizes, share),
  };
  return cached;
};

/**
 * A legend: a bar of colours between its lowest and its highest number.
 *
 * @param {string[]} gradient
 * @param {string} low
 * @param {string} high
 */
export const legendBar = (gradient, low, high) => {
  const bar = el("span", { class: "gl-legend-bar" });
  bar.style.background = `linear-gradient(90deg, ${gradient.join(", ")})`;
  const [left, right] = [low, high].map((text) => el("span", { class: "gl-legend-end", text }));
  return el("span", { class: "gl-legend" }, left, bar, right);
};

/**
 * The legend of the sequential scale.
 *
 * @param {Palette} palette
 * @param {string} low
 * @param {string} high
 */
export const rampLegend = (palette, low, high) => legendBar([0, 0.5, 1].map(palette.ramp), low, high);
