// How one sentence or picture uses a method, by kind of report: the maps of tokens that are drawn of it.
// @ts-check

import { el } from "../common/dom.js";
import { largest, meanOfLists, range } from "../common/maths.js";
import { figure, tokenName } from "../common/text.js";

/** @import { Grid } from "../event_types.js" */
/** @import { Cursor, PanelContext, Report, ReportMap, ReportMaps } from "../types.js" */

/**
 * @param {number[]} layers
 * @param {PanelContext} ctx
 */
const layerNames = (layers, ctx) => layers.map((layer) => ctx.common("layer", { layer }));

/**
 * The end of a scale that fits a map; not 0, so that a map of zeros is pale.
 *
 * @param {Grid} grid
 */
const reach = (grid) => largest(grid, 1e-6);

/**
 * Layers by tokens from values per layer, head and token: one head's, or the mean of all heads.
 *
 * @param {Grid[]} values
 * @param {Report} report
 * @param {Cursor} at
 * @param {PanelContext} ctx
 * @returns {ReportMap}
 */
const byLayer = (values, report, at, ctx) => ({
  grid: values.map((heads) => (at.head === null ? meanOfLists(heads) : (heads[at.head] ?? meanOfLists(heads)))),
  layers: report.layers,
  names: layerNames(report.layers, ctx),
});

/**
 * Prompts by tokens: the attention of each token to each prompt vector in one layer; the first prompt is on top.
 *
 * @param {Pick<Report, "weights" | "layers" | "tokens">} report
 * @param {Cursor} at
 * @returns {ReportMap | null}
 */
export const attentionToPrompts = (report, at) => {
  if (!report.weights) return null;
  const pointed = at.layer === null ? -1 : report.layers.indexOf(at.layer);
  const index = pointed < 0 ? report.layers.length - 1 : pointed;
  const heads = report.weights[index];
  const tokens = report.tokens.map(
    (_, t) => (at.head === null ? undefined : heads[at.head]?.[t]) ?? meanOfLists(heads.map((head) => head[t])),
  );
  const prompts = range(tokens[0].length).reverse();
  const grid = prompts.map((k) => tokens.map((row) => row[k]));
  const names = prompts.map((k) => String(k + 1));
  return { layer: report.layers[index], prompts, grid, names, most: Math.max(...grid.flat()) };
};

/**
 * Which heads a map of heads shows: one, or the mean of all.
 *
 * @param {Cursor} at
 * @param {PanelContext} ctx
 */
export const headName = (at, ctx) =>
  at.head === null ? ctx.common("asks.mean_heads") : ctx.common("asks.one_head", { head: at.head });

/**
 * The maps of each kind of report.
 *
 * @type {Record<string, ReportMaps>}
 */
export const REPORT_MAPS = {
  prompts: {
    upper: (report, at, ctx) => byLayer(/** @type {Grid[]} */ (report.contribution), report, at, ctx),
    lower: attentionToPrompts,
  },
  soft: {
    upper: (report, at, ctx) => byLayer(report.mass, report, at, ctx),
    lower: attentionToPrompts,
  },
  updates: {
    title: "title.updates",
    upper: (report, at, ctx) => {
      const target = Math.min(at.head ?? 0, report.targets.length - 1);
      const grid = /** @type {Grid[]} */ (report.contribution).map((row) => row[target]);
      return { grid, target: report.targets[target], layers: report.layers, names: layerNames(report.layers, ctx) };
    },
  },
  rungs: {
    title: "title.updates",
    upper: (report, _, ctx) => ({ grid: report.fresh, layers: report.layers, names: layerNames(report.layers, ctx) }),
    lower: ({ added }, _, ctx) => ({
      grid: [added],
      names: [ctx.common("asks.added")],
      most: reach([added]),
    }),
    values: (report, token) => ({ added: figure(report.added[token], 2) }),
  },
  blend: {
    title: "title.blend",
    words: true,
    upper: (report, _, ctx) => ({ grid: [report.ratio], names: [ctx.common("asks.ratio")] }),
    values: (report, token) => ({
      cosine: figure(report.cosine[token], 2),
      ...Object.fromEntries(Object.entries(report.next).map(([who, words]) => [who, tokenName(words[token])])),
    }),
  },
};

/**
 * The two maps of a report at a cursor, and the values that their titles need.
 *
 * @param {Report} report
 * @param {Cursor} at
 * @param {PanelContext} ctx
 */
export const mapsOf = (report, at, ctx) => {
  const maps = REPORT_MAPS[report.kind];
  const upper = maps.upper(report, at, ctx);
  upper.most ??= reach(upper.grid);
  const lower = maps.lower?.(report, at, ctx) ?? null;
  const head = headName(at, ctx);
  const method = ctx.common(`method.${report.method ?? ctx.view.tape?.config.method}`);
  return { maps, upper, lower, head, said: { head, target: upper.target ?? "", method } };
};

/**
 * Fill a table with what base, side network and their blend would say after each token.
 *
 * @param {HTMLTableElement} table
 * @param {Report} report
 * @param {number | null} token the one that is marked
 * @param {PanelContext} ctx
 */
export const fillNextWords = (table, report, token, ctx) => {
  /**
   * @param {string} name
   * @param {string[]} words
   * @param {(i: number) => boolean} [changed]
   */
  const row = (name, words, changed) =>
    el(
      "tr",
      {},
      el("th", { scope: "row", text: name }),
      ...words.map((word, i) =>
        el("td", {
          class: i === token ? "gl-here" : changed?.(i) ? "gl-changed" : null,
          dir: "auto",
          text: tokenName(word),
        }),
      ),
    );
  const { base, side, blend } = report.next;
  table.replaceChildren(
    row(ctx.common("asks.next.after"), report.tokens),
    row(ctx.common("asks.next.base"), base),
    row(ctx.common("asks.next.side"), side),
    row(ctx.common("asks.next.blend"), blend, (i) => blend[i] !== base[i]),
  );
};
