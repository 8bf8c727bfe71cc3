// A question about a picture, and what the picture changes: the answer, how loud the prompts are, and who asks whom.
// @ts-check

import { paletteOf } from "../../common/colour.js";
import { el, mapTitle } from "../../common/dom.js";
import { mean } from "../../common/maths.js";
import { figure, tokenName } from "../../common/text.js";
import { createAsker } from "../asker.js";
import { cursorOf } from "../cursor.js";
import { createHeatMap } from "../heat.js";
import { attentionToPrompts, headName } from "../reports.js";
import { createTiles } from "./patch_tiles.js";
import { createSights } from "./sights.js";

/** @import { Grid } from "../../event_types.js" */
/** @import { BesideReport, Cell, Cursor, HeatMap, Palette, Panel, PanelContext, ReportMap, View } from "../../types.js" */

/**
 * @param {Grid} a
 * @param {Grid} b
 */
const difference = (a, b) => a.map((row, r) => row.map((value, c) => value - b[r][c]));

/** @param {Grid} grid */
const largest = (grid) => Math.max(0, ...grid.flat().map(Math.abs));

/** @param {BesideReport} of */
const loudest = (of) => Math.max(largest(of.loudness), largest(of.withheld));

/**
 * The cell of a layer and a head, or null where the cursor is at no layer of the report.
 *
 * @param {BesideReport} of
 * @param {Pick<Cursor, "layer" | "head">} at
 * @returns {Cell | null}
 */
const cellOf = (of, { layer, head }) => {
  const row = layer === null ? -1 : of.layers.indexOf(layer);
  return row < 0 ? null : [row, head];
};

/**
 * The three maps of loudness as heat maps: with the picture, without, and their difference on a scale of its own.
 *
 * @param {BesideReport} of
 * @param {View} view
 * @param {Palette} palette
 * @returns {HeatMap[]}
 */
const loudnessMaps = (of, view, palette) => {
  const change = difference(of.loudness, of.withheld);
  const [most, reach] = [loudest(of) || 1, largest(change) || 1];
  const heads = of.loudness[0].map((_, head) => String(head));
  const shared = {
    rows: of.layers.length,
    columns: heads.length,
    rowNames: of.layers.map(String),
    columnNames: heads,
    edged: true,
    picked: cellOf(of, view),
    hovered: view.hover ? cellOf(of, cursorOf(view)) : null,
  };
  return [of.loudness, of.withheld, change].map((grid, number) => ({
    ...shared,
    value: (row, column) => grid[row][column],
    colour: (value) => (number < 2 ? palette.ramp(value / most) : palette.gate(value, reach)),
  }));
};

/**
 * The value at the cursor in words, or the means of all layers and heads.
 *
 * @param {BesideReport} of
 * @param {ReturnType<typeof cursorOf>} at
 * @param {ReportMap | null} spread
 * @param {PanelContext["say"]} say
 */
const describe = (of, at, spread, say) => {
  if (at.prompt !== undefined && at.token !== null && spread?.prompts && at.token < of.tokens.length) {
    const value = figure(spread.grid[at.prompt][at.token], 2);
    return say("ask", { token: tokenName(of.tokens[at.token]), prompt: spread.prompts[at.prompt] + 1, value });
  }
  const [row, head] = cellOf(of, at) ?? [null, null];
  if (row === null || head === null) {
    const [seen, withheld] = [of.loudness, of.withheld].map((grid) => figure(mean(grid.flat()), 2));
    return say("mean", { seen, withheld });
  }
  const [seen, withheld] = [of.loudness, of.withheld].map((grid) => figure(grid[row][head], 2));
  return say("cell", { layer: of.layers[row], head, seen, withheld });
};

/**
 * The maps of loudness beside each other, with their titles.
 *
 * @param {PanelContext} ctx
 * @param {() => BesideReport | null} current
 */
const createLoudness = (ctx, current) => {
  const host = el("div", { class: "gl-maps", "data-maps": "3" });
  /** @param {number | null} row */
  const layerOf = (row) => (row === null ? null : (current()?.layers[row] ?? null));
  const draws = ["seen", "withheld", "difference"].map((name) => {
    const map = el("div", { class: "gl-map" }, mapTitle(ctx.say(name)));
    host.append(map);
    return createHeatMap(map, {
      label: ctx.say("loudness.label", { which: ctx.say(name) }),
      hover: (row, head) => ctx.set({ hover: row === null ? null : { layer: layerOf(row), head } }),
      pick: (row, head) => ctx.set({ layer: layerOf(row), head }),
    });
  });
  /** @param {HeatMap[]} maps */
  const draw = (maps) => {
    maps.forEach((map, number) => {
      draws[number](map);
    });
  };
  return { host, draw };
};

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  /** @type {BesideReport | null} */
  let report = null;
  let run = "";
  let wanted = "0";
  let question = "";
  const read = new Image();
  const choice = el("select", { class: "gl-select gl-wide", "aria-label": say("choice") });
  const state = el("p", { class: "gl-readout", role: "status" });
  let refused = ""; // why the newest file is no picture, until something else is asked
  const refuse = (/** @type {string} */ sentence) => {
    refused = sentence;
    ctx.redraw();
  };
  const askAnew = () => {
    refused = "";
    ctx.redraw();
  };
  const answers = createSights(say, askAnew, refuse);
  const own = el("input", { class: "gl-input", placeholder: say("question"), "aria-label": say("question") });
  const loudness = createLoudness(ctx, () => report);
  const [loudTitle, spreadTitle, looksTitle] = [mapTitle(), mapTitle(), mapTitle(say("looks"))];
  const spreadHost = el("div");
  const drawSpread = createHeatMap(spreadHost, {
    label: say("spread.label"),
    hover: (row, token) => ctx.set({ hover: row === null ? null : { token, prompt: row } }),
    pick: (_, token) => ctx.set({ token }),
  });
  const tiles = createTiles(ctx, () => null);
  const drawn = [answers.host, loudTitle, loudness.host, spreadTitle, spreadHost, looksTitle, tiles.host];
  body.append(choice, own, state, ...drawn);
  const ask = createAsker(ctx, state, (answer) => {
    report = /** @type {BesideReport} */ (/** @type {unknown} */ (answer));
    read.src = report.picture;
    ctx.redraw();
  });
  read.addEventListener("load", () => ctx.redraw());
  choice.addEventListener("change", () => {
    wanted = choice.value;
    question = own.value = "";
    askAnew();
  });
  own.addEventListener("change", () => {
    question = own.value.trim();
    askAnew();
  });

  /** @param {BesideReport} of */
  const fillChoice = (of) => {
    if (choice.dataset.rows !== of.rows.join("\n")) {
      choice.dataset.rows = of.rows.join("\n");
      choice.replaceChildren(...of.rows.map((row, at) => el("option", { value: at, text: `${at + 1}. ${row}` })));
    }
    choice.value = String(of.row);
  };
  /**
   * @param {BesideReport} of
   * @param {View} view
   */
  const drawLooks = (of, view) => {
    const map = {
      grid: of.looks.map((row) => [0, ...row]), // the class token's own place, which is not drawn
      names: of.depths.map((depth) => say("depth", { depth })),
    };
    looksTitle.hidden = tiles.host.hidden = !of.looks.length || !read.complete || !read.naturalWidth;
    if (tiles.host.hidden) return;
    const at = { ...cursorOf(view), token: null, layer: null };
    tiles.draw(map, "", { picture: read, side: of.side, at, palette: paletteOf(body) });
  };
  /**
   * @param {View} view
   * @param {BesideReport} of
   * @param {number} step
   */
  const show = (view, of, step) => {
    const [palette, at] = [paletteOf(body), cursorOf(view)];
    const lower = attentionToPrompts(of, at);
    const head = headName(at, ctx);
    fillChoice(of);
    answers.draw(of);
    loudTitle.textContent = say("loudness", { most: figure(loudest(of), 2) });
    loudness.draw(loudnessMaps(of, view, palette));
    if (lower) {
      spreadTitle.textContent = say("spread", { head, layer: lower.layer, most: figure(lower.most ?? 1, 2) });
      const shown = at.token === null || at.token >= of.tokens.length ? null : at.token;
      drawSpread({
        rows: lower.grid.length,
        columns: of.tokens.length,
        widest: 64,
        tallest: 22,
        lowest: 9,
        edged: true,
        value: (row, column) => lower.grid[row][column],
        colour: (value) => palette.ramp(value / (lower.most ?? 1)),
        rowNames: lower.names,
        columnNames: of.tokens.map(tokenName),
        picked: view.token === null || view.token >= of.tokens.length ? null : [null, view.token],
        hovered: view.hover && shown !== null ? [at.prompt ?? null, shown] : null,
      });
    }
    drawLooks(of, view);
    const told = of.reference ? say("at", { step, reference: of.reference }) : say("at.own", { step });
    ask.tell(refused || `${told} ${describe(of, at, lower, say)}`);
  };

  return (view) => {
    const { tape, step } = view;
    if (run !== tape.run) {
      run = tape.run;
      report = null;
      wanted = "0";
      question = own.value = refused = "";
      answers.forget();
    }
    const { seen, other } = answers.chosen;
    const asked = { row: wanted, own: seen, other, question };
    ask({ query: "probe_beside", run, step, last: step >= tape.last, ...asked }, view.playing || view.following);
    for (const part of [choice, own, ...drawn]) part.hidden = !report;
    if (report) show(view, report, report.step ?? tape.last);
    else ask.tell(ctx.common("asks.waiting"));
  };
};

/** @type {Panel} */
export const beside = {
  name: "beside",
  order: 2,
  side: "left",
  tall: 760,
  needs: null,
  fits: (tape) =>
    Object.entries(tape.config.method_settings ?? {}).some(([name, value]) => /(^|_)vision$/.test(name) && value),
  mount,
};
