// Numbers, times, tokens and sentences as a person reads them.
// @ts-check

/** @import { Values } from "../types.js" */

/**
 * A sentence with its `{name}` placeholders replaced.
 *
 * @param {string} text
 * @param {Values} values
 */
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));

/**
 * A duration as m:ss, or h:mm:ss from an hour on.
 *
 * @param {number} seconds
 */
export const clock = (seconds) => {
  const s = Math.max(0, Math.round(seconds));
  /** @param {number} n */
  const pad = (n) => String(n).padStart(2, "0");
  return s < 3600
    ? `${Math.floor(s / 60)}:${pad(s % 60)}`
    : `${Math.floor(s / 3600)}:${pad(Math.floor((s % 3600) / 60))}:${pad(s % 60)}`;
};

/**
 * A number with a few significant figures; 0 stays 0, a missing value is a dash.
 *
 * @param {number | null | undefined} value
 * @param {number} [digits]
 */
export const figure = (value, digits = 3) => {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e5) {
    return value
      .toExponential(digits - 1)
      .replace("-", "−")
      .replace("e−", "e-");
  }
  return value.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(size)))).replace("-", "−");
};

/**
 * A token as a label: white space that would not be seen is shown by a symbol.
 *
 * @param {string} token
 */
export const tokenName = (token) => token.trim().replace(/\n/g, "⏎") || (token.includes("\n") ? "⏎" : "␣");

/**
 * The last part of a path or of a hub id.
 *
 * @param {string} path
 */
export const lastPart = (path) => path.split(/[\\/]/).pop() ?? path;
