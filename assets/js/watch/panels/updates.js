// Changes of weights: the size of each update beside the weight that it changes.
// @ts-check

import { createGrid } from "../grid.js";

/** @import { Panel } from "../../types.js" */

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const draw = createGrid(ctx, { kind: "updates", grid: (event) => event.ratio, columns: (event) => event.targets });
  return (view) => {
    const kind = view.tape.family === "weights" ? "" : ".states";
    ctx.title.textContent = ctx.say(`title${kind}`);
    ctx.term.textContent = ctx.say(`term${kind}`);
    draw(view);
  };
};

/** @type {Panel} */
export const updates = { name: "updates", order: 1, side: "left", tall: 440, needs: "updates", mount };
