// Changes of weights: the size of each update beside the weight that it changes.
// @ts-check

import { createGrid } from "../grid.js";

/** @import { Panel } from "../../types.js" */

/** What a method changes, where that is not the weights. @type {Record<string, string>} */
const CHANGES = { ia3: ".activations", bias: ".offsets" };

/**
 * The end of the keys of the panel's title and term.
 *
 * @param {{family: string, config: {method: string}}} tape
 */
export const kindOf = ({ family, config }) => CHANGES[config.method] ?? (family === "weights" ? "" : ".states");

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const draw = createGrid(ctx, { kind: "updates", grid: (event) => event.ratio, columns: (event) => event.targets });
  return (view) => {
    const kind = kindOf(view.tape);
    ctx.title.textContent = ctx.say(`title${kind}`);
    ctx.term.textContent = ctx.say(`term${kind}`);
    draw(view);
  };
};

/** @type {Panel} */
export const updates = { name: "updates", order: 1, side: "left", tall: 440, needs: "updates", mount };
