// Bottleneck adapters: how much each changes what passes through it, after attention and after the MLP.
// @ts-check

import { mean } from "../../common/maths.js";
import { figure } from "../../common/text.js";
import { createGrid } from "../grid.js";

/** @import { Panel } from "../../types.js" */

/** @type {Panel["mount"]} */
const mount = (ctx) =>
  createGrid(ctx, {
    kind: "adapters",
    grid: (event) => event.share,
    columns: (event) => event.parts.map((part) => ctx.say(`part.${part}`)),
    bars: (event) => event.asleep.map(mean),
    values: (event, row, column) => {
      const share = row === null || column === null ? mean(event.asleep.flat()) : event.asleep[row][column];
      return { asleep: figure(100 * share, 2) };
    },
  });

/** @type {Panel} */
export const adapters = { name: "adapters", order: 1, side: "left", tall: 440, needs: "adapters", mount };
