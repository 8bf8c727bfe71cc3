// AdaLoRA: how many directions each update has left, layer by layer and weight by weight.
// @ts-check

import { createGrid } from "../grid.js";

/** @import { Panel } from "../../types.js" */

/** @type {Panel["mount"]} */
const mount = (ctx) =>
  createGrid(ctx, { kind: "ranks", grid: (event) => event.ranks, columns: (event) => event.targets });

/** @type {Panel} */
export const ranks = { name: "ranks", order: 1, side: "left", tall: 420, needs: "ranks", mount };
