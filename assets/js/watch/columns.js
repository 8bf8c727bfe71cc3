// In which column of Watch each panel stands.
// @ts-check

import { range } from "../common/maths.js";

/** @import { Panel } from "../types.js" */

export const MOST_COLUMNS = 3;
const WIDE = 1560; // from this width on a third column leaves each of them as wide as at 1280
const NARROW = 820;
const USUAL = 300;
const SLACK = 160;

/**
 * How many columns there is room for; 0 while the page is not shown.
 *
 * @param {number} width in CSS pixels
 */
export const columnCount = (width) => (width >= WIDE ? 3 : width >= NARROW ? 2 : Number(width > 0));

/**
 * The column of each panel: the shortest one so far, by what panels usually take, so that all end at about one height.
 * Of two columns it is the panel's own side, where that is not much taller than the other.
 *
 * @param {readonly Pick<Panel, "side" | "tall">[]} panels in the order of reading
 * @param {number} count
 */
export const columnsOf = (panels, count) => {
  const heights = range(count).map(() => 0);
  return panels.map(({ side, tall }) => {
    const shortest = heights.indexOf(Math.min(...heights));
    const own = side === "left" ? 0 : 1;
    const column = count === 2 && heights[own] - heights[shortest] < SLACK ? own : shortest;
    heights[column] += tall ?? USUAL;
    return column;
  });
};
