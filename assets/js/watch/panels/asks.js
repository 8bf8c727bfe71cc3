// A sentence, and how each of its tokens uses what was trained.
// @ts-check

import { paletteOf, rampLegend } from "../../common/colour.js";
import { el, mapTitle } from "../../common/dom.js";
import { figure, tokenName } from "../../common/text.js";
import { createAsker } from "../asker.js";
import { cursorOf } from "../cursor.js";
import { createHeatMap } from "../heat.js";
import { createPartChoice } from "../part_choice.js";
import { fillNextWords, mapsOf } from "../reports.js";

/** @import { Cell, Cursor, HeatMap, Palette, Panel, Report, ReportMap, View } from "../../types.js" */

const LONGEST = 400;

/**
 * The cell of a map at a cursor: of its layer, of its token, or of both; null where it is at neither.
 *
 * @param {Cursor} at
 * @param {ReportMap} map
 * @param {Report} report
 * @returns {Cell | null}
 */
const cellAt = (at, map, report) => {
  const row = at.layer === null ? -1 : (map.layers ?? []).indexOf(at.layer);
  const column = at.token === null || at.token >= report.tokens.length ? null : at.token;
  return row < 0 && column === null ? null : [row < 0 ? null : row, column];
};

/**
 * @param {ReportMap} map
 * @param {Report} report
 * @param {View} view
 * @param {Palette} palette
 * @returns {HeatMap}
 */
const heatMap = (map, report, view, palette) => ({
  rows: map.grid.length,
  columns: report.tokens.length,
  widest: 64,
  tallest: 22,
  lowest: 9,
  edged: true,
  value: (row, column) => map.grid[row][column],
  colour: (value) => palette.ramp(value / (map.most ?? 1)),
  rowNames: map.names,
  columnNames: report.tokens.map(tokenName),
  picked: cellAt(view, map, report),
  hovered: view.hover ? cellAt(cursorOf(view), map, report) : null,
});

/**
 * A text for a field of one line, which would join what line breaks part.
 *
 * @param {string} text
 */
const oneLine = (text) => text.replace(/\s*\n\s*/g, " ");

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  /** @type {Report | null} */
  let report = null;
  let run = "";
  const named = { "aria-label": say("sentence"), placeholder: say("sentence"), dir: "auto" };
  const input = el("input", { type: "text", class: "gl-input", maxlength: LONGEST, ...named });
  const state = el("p", { class: "gl-readout", role: "status" });
  const [upperTitle, lowerTitle] = [mapTitle(), mapTitle()];
  const [upperLegend, lowerLegend] = [el("span"), el("span")];
  const upperHead = el("div", { class: "gl-map-head" }, upperTitle, upperLegend);
  const lowerHead = el("div", { class: "gl-map-head" }, lowerTitle, lowerLegend);
  const [upperHost, lowerHost] = [el("div"), el("div")];
  const table = el("table", { class: "gl-next" });
  const parts = createPartChoice(ctx, (chosen) => {
    report = chosen;
    ctx.redraw();
  });
  const nextWords = el("div", { class: "gl-scroll-x" }, table);
  body.append(input, parts.host, state, upperHead, upperHost, lowerHead, lowerHost, nextWords);
  /** @param {number} row */
  const layerOf = (row) => report?.layers?.[row] ?? null;
  const drawUpper = createHeatMap(upperHost, {
    label: say("share.label"),
    hover: (row, token) => ctx.set({ hover: row === null ? null : { layer: layerOf(row), token } }),
    pick: (row, token) => ctx.set({ layer: layerOf(row), token }),
  });
  const drawLower = createHeatMap(lowerHost, {
    label: say("spread.label"),
    hover: (row, token) => ctx.set({ hover: row === null ? null : { token, prompt: row } }),
    pick: (_, token) => ctx.set({ token }),
  });
  const ask = createAsker(ctx, state, parts.show);
  input.addEventListener("input", ctx.redraw);

  /**
   * The sentence below the input: the value at the cursor.
   *
   * @param {Report} of
   * @param {ReturnType<typeof cursorOf>} at
   * @param {ReturnType<typeof mapsOf>} maps
   * @param {number} step
   */
  const describe = (of, at, { maps, upper, lower }, step) => {
    if (at.token === null || at.token >= of.tokens.length) return say("at", { step });
    const token = tokenName(of.tokens[at.token]);
    if (at.prompt !== undefined && lower?.prompts) {
      const value = figure(lower.grid[at.prompt][at.token], 2);
      return say("ask", { token, prompt: lower.prompts[at.prompt] + 1, value });
    }
    const row = upper.layers ? upper.layers.indexOf(at.layer ?? -1) : 0;
    if (row < 0) return say("at", { step });
    const value = figure(upper.grid[row][at.token], 2);
    return say(`told.${of.kind}`, { token, layer: at.layer, value, ...maps.values?.(of, at.token) });
  };

  /**
   * @param {View} view
   * @param {Report} of
   * @param {number} step
   */
  const show = (view, of, step) => {
    const palette = paletteOf(body);
    const at = cursorOf(view);
    const drawn = mapsOf(of, at, ctx);
    const { maps, upper, lower, head, said } = drawn;
    ctx.caption.textContent = say(`caption.${of.kind}`);
    ctx.title.textContent = say(maps.title ?? "title");
    ctx.term.textContent = say(`term.${of.kind}`);
    upperTitle.textContent = say(`share.${of.kind}`, said);
    upperLegend.replaceChildren(rampLegend(palette, "0", figure(upper.most, 2)));
    drawUpper(heatMap(upper, of, view, palette));
    lowerHost.hidden = lowerHead.hidden = !lower;
    if (lower) {
      lowerTitle.textContent = say(`spread.${of.kind}`, { head, layer: lower.layer });
      lowerLegend.replaceChildren(rampLegend(palette, "0", figure(lower.most, 2)));
      drawLower(heatMap(lower, of, view, palette));
    }
    table.hidden = !maps.words;
    if (maps.words) fillNextWords(table, of, at.token, ctx);
    const cut = of.cut ? ` ${say("cut", { n: of.tokens.length })}` : "";
    ask.tell(describe(of, at, drawn, step) + cut);
  };

  return (view) => {
    const { tape, step } = view;
    if (run !== tape.run) {
      run = tape.run;
      report = null;
      input.value = oneLine(tape.at("sample", 0)?.prompt ?? input.value);
    }
    if (!input.value && tape.all("sample").length) input.value = oneLine(tape.all("sample")[0].prompt);
    const last = step >= tape.last;
    if (input.value.trim())
      ask({ query: "probe", run, step, last, sentence: input.value }, view.playing || view.following);
    for (const part of [upperHost, lowerHost, upperHead, lowerHead]) part.hidden = !report;
    if (report) show(view, report, report.step ?? tape.last);
    else ask.tell(say("waiting"));
  };
};

/** @type {Panel} */
export const asks = {
  name: "asks",
  order: 3,
  side: "left",
  tall: 480,
  needs: null,
  fits: (tape) => !tape.pictures,
  mount,
};
