// Small pure functions on numbers and lists of numbers.
// @ts-check

/**
 * The arithmetic mean; NaN for an empty list.
 *
 * @param {readonly number[]} values
 */
export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * The mean of several lists of the same length, entry by entry.
 *
 * @param {readonly (readonly number[])[]} lists
 */
export const meanOfLists = (lists) => lists[0].map((_, i) => mean(lists.map((list) => list[i])));

/**
 * The value, or the nearest end of the interval.
 *
 * @param {number} value
 * @param {number} low
 * @param {number} high at least `low`
 */
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/**
 * The integers from 0 to n - 1.
 *
 * @param {number} n
 */
export const range = (n) => Array.from({ length: n }, (_, i) => i);

/**
 * Index of the last entry of a sorted list that is not above a value, -1 if there is none.
 *
 * @param {readonly number[]} sorted in ascending order
 * @param {number} value
 */
export const lastUpTo = (sorted, value) => {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
};

/**
 * The values of each cell over all frames, cell after cell, row after row.
 *
 * @param {readonly import("../event_types.js").Grid[]} grids one per frame, all of one shape
 * @returns {number[][]}
 */
export const cellSeries = (grids) => grids[0].flatMap((row, r) => row.map((_, c) => grids.map((grid) => grid[r][c])));

/**
 * The largest value of several lists, at least `least`.
 *
 * @param {readonly (readonly number[])[]} lists
 * @param {number} least
 */
export const largest = (lists, least) => Math.max(least, ...lists.map((values) => Math.max(...values)));
