// Prefix tuning: the share of each head's attention that goes to the prefix.
// @ts-check

import { figure } from "../../common/text.js";
import { createGrid } from "../grid.js";

/** @import { Panel } from "../../types.js" */

/** @type {Panel["mount"]} */
const mount = (ctx) =>
  createGrid(ctx, {
    kind: "mass",
    top: 1,
    grid: (event) => event.mass,
    layers: (event) => event.mass.map((_, layer) => layer),
    columns: (event) => event.mass[0].map((_, head) => ctx.common("head", { head })),
    shortNames: (event) => event.mass[0].map((_, head) => String(head)),
    values: (event) => ({ even: figure(event.even, 2) }),
  });

/** @type {Panel} */
export const mass = { name: "mass", order: 1, side: "left", tall: 440, needs: "mass", mount };
