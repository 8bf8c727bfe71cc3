// Ladder side tuning: how much each rung keeps of its own, and how much it takes from the base.
// @ts-check

import { el, mapTitle } from "../../common/dom.js";
import { figure } from "../../common/text.js";
import { createGrid } from "../grid.js";

/** @import { Panel } from "../../types.js" */

/** @param {number[]} values */
const column = (values) => values.map((value) => [value]);

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  const hosts = ["kept", "fresh"].map((name) => el("div", {}, mapTitle(say(name))));
  body.append(el("div", { class: "gl-maps gl-pair" }, ...hosts));
  const drawKept = createGrid(ctx, {
    kind: "ladder",
    host: hosts[0],
    words: "kept.",
    top: 1,
    grid: (event) => column(event.kept),
    columns: () => [say("gate")],
    values: (event, row) => (row === null ? {} : { grad: figure(event.grad[row]) }),
  });
  const drawFresh = createGrid(ctx, {
    kind: "rungs",
    host: hosts[1],
    words: "fresh.",
    top: 1,
    tools: el("span"),
    grid: (event) => column(event.fresh),
    columns: () => [say("share")],
    values: (event) => ({ added: figure(event.added) }),
  });
  return (view) => {
    drawKept(view);
    drawFresh(view);
  };
};

/** @type {Panel} */
export const ladder = { name: "ladder", order: 1, side: "left", tall: 440, needs: "ladder", mount };
