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
 * A change with its sign and two decimals; one that rounds to nothing has no sign.
 *
 * @param {number} change
 */
export const signed = (change) => {
  const size = Math.abs(change).toFixed(2);
  return Number(size) === 0 ? size : `${change < 0 ? "−" : "+"}${size}`;
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
 * The ends of an axis of decimal logarithms, at whole powers of ten, and at most five marks between them.
 *
 * @param {readonly number[]} logarithms of the values that are shown
 */
export const decades = (logarithms) => {
  const low = Math.floor(Math.min(...(logarithms.length ? logarithms : [0])));
  const high = Math.ceil(Math.max(low + 1, ...logarithms)) + 0; // never -0
  const stride = Math.ceil((high - low) / 4);
  const marks = Array.from({ length: Math.floor((high - low) / stride) + 1 }, (_, i) => low + i * stride);
  return { low, high, marks };
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

/**
 * The name of a method for people, or of several that train together, with a plus sign between.
 *
 * @param {string} method
 * @param {(name: string) => string | undefined} titleOf of one method; undefined where it has none
 */
export const methodTitle = (method, titleOf) =>
  method
    .split("+")
    .map((name) => titleOf(name) ?? name)
    .join(" + ");
