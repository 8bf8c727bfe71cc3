// Mixtures of adapters: how often each expert was drawn, and how alike the experts are.
// @ts-check

import { el, mapTitle } from "../../common/dom.js";
import { mean } from "../../common/maths.js";
import { figure } from "../../common/text.js";
import { createGrid } from "../grid.js";
import { createLines } from "../lines.js";

/** @import { ExpertEvent } from "../../event_types.js" */
/** @import { Panel, PanelContext, SeriesStyle } from "../../types.js" */

const POOLS = ["down", "up"];
/** @type {SeriesStyle} */
const THIN = { colour: "tuned", faint: true };

/**
 * The map of one pool of experts: rows are layers (or linears of layers), columns experts.
 *
 * @param {PanelContext} ctx
 * @param {HTMLElement} folded where it stands
 * @param {string} pool
 */
const createMap = (ctx, folded, pool) => {
  const { say } = ctx;
  const tools = el("div", { class: "gl-tools" });
  const host = el("div", {}, el("div", { class: "gl-panel-head" }, mapTitle(say(`pool.${pool}`)), tools));
  folded.append(host);
  /** @param {ExpertEvent} event */
  const index = (event) => event.pools.indexOf(pool);
  /** @param {ExpertEvent} event */
  const numbers = (event) => event.counts[index(event)][0].map((_, expert) => expert + 1);
  const draw = createGrid(ctx, {
    kind: "experts",
    host,
    tools,
    grid: (event) => event.counts[index(event)],
    rows: (event) => {
      const several = new Set(event.targets).size > 1;
      return event.layers.map((layer, row) => (several ? `${layer} ${event.targets[row]}` : String(layer)));
    },
    columns: (event) => numbers(event).map((expert) => say("expert", { expert })),
    shortNames: (event) => numbers(event).map(String),
    bars: (event) => event.cosine[index(event)].map((value) => Math.max(0, value)),
    values: (event, row) => {
      /** @param {number[]} values */
      const pick = (values) => (row === null ? mean(values) : values[row]);
      return {
        target: row === null ? "" : event.targets[row],
        chi: figure(pick(event.chi_square[index(event)])),
        usual: numbers(event).length - 1,
        cosine: figure(pick(event.cosine[index(event)]), 2),
      };
    },
  });
  return { pool, host, draw };
};

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  body.append(mapTitle(say("cosines")));
  const drawCosines = createLines(body, say("cosines"), ctx.goTo);
  const counts = el("details", { class: "gl-fold", ontoggle: ctx.redraw }, el("summary", { text: say("counts") }));
  body.append(counts);
  const maps = POOLS.map((pool) => createMap(ctx, counts, pool));

  return (view) => {
    const { tape, step } = view;
    const event = tape.at("experts", step);
    if (!event) return;
    for (const { pool, host, draw } of maps) {
      host.hidden = !event.pools.includes(pool);
      if (!host.hidden) draw(view);
    }
    const lines = event.cosine.flatMap((rows, pool) =>
      rows.map((_, row) => tape.series("experts", (one) => one.cosine[pool][row], THIN)),
    );
    drawCosines({ key: tape.key, lines, step, last: tape.end, high: 1, marks: [0, 0.5, 1] });
  };
};

/** @type {Panel} */
export const experts = { name: "experts", order: 1, side: "left", tall: 300, needs: "experts", mount };
