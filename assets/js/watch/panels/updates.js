// Changes of weights: the size of each update beside the weight that it changes.
// @ts-check

import { createGrid } from "../grid.js";

/** @import { Panel } from "../../types.js" */

/** @type {Panel["mount"]} */
const mount = (ctx) =>
  createGrid(ctx, { kind: "updates", grid: (event) => event.ratio, columns: (event) => event.targets });

/** @type {Panel} */
export const updates = { name: "updates", order: 1, side: "left", needs: "updates", mount };
