// A picture of the test split, and how each of its patches uses what was trained.
// @ts-check

import { paletteOf } from "../../common/colour.js";
import { el, mapTitle } from "../../common/dom.js";
import { clamp } from "../../common/maths.js";
import { figure } from "../../common/text.js";
import { createAsker } from "../asker.js";
import { cursorOf } from "../cursor.js";
import { createPartChoice } from "../part_choice.js";
import { mapsOf } from "../reports.js";
import { CLASS_TOKEN, createTiles } from "./patch_tiles.js";

/** @import { Cursor, Panel, PanelContext, Report, ReportMap, View } from "../../types.js" */

const MOST_PROMPTS = 24;

/**
 * Name of a patch by its row and column, or of the class token.
 *
 * @param {number} token
 * @param {number} side patches in a row
 * @param {PanelContext["say"]} say
 */
const patchName = (token, side, say) =>
  token === CLASS_TOKEN
    ? say("class_token")
    : say("patch", { row: Math.floor((token - 1) / side) + 1, column: ((token - 1) % side) + 1 });

/**
 * What the model sees in the picture, and the value of the patch at the cursor.
 *
 * @param {Report} report
 * @param {Cursor} at
 * @param {ReportMap} upper
 * @param {number} step
 * @param {PanelContext["say"]} say
 */
const describe = (report, at, upper, step, say) => {
  const [first] = report.verdict ?? [];
  const verdict = first ? say("sees", { label: first[0], share: figure(100 * first[1], 3) }) : "";
  const row = upper.layers ? Math.max(0, upper.layers.indexOf(at.layer ?? -1)) : 0;
  const token = at.token !== null && at.token < report.tokens.length ? at.token : CLASS_TOKEN;
  const where = upper.layers ? say("in_layer", { layer: upper.layers[row] }) : "";
  const values = { place: patchName(token, report.side, say), where, value: figure(upper.grid[row][token], 2) };
  return [say("at", { step }), verdict, say("told", values)].filter(Boolean).join(" ");
};

/**
 * The rows of the lower map, the first prompts first and not too many.
 *
 * @param {ReportMap} lower
 * @param {PanelContext["say"]} say
 * @returns {ReportMap}
 */
const firstPrompts = ({ prompts, grid, names }, say) => {
  if (!prompts) return { grid, names };
  const rows = [...grid].reverse().slice(0, MOST_PROMPTS);
  return { grid: rows, names: rows.map((_, k) => say("place", { number: k + 1 })) };
};

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  /** @type {Report | null} */
  let report = null;
  let run = "";
  let wanted = "";
  const picture = new Image();
  const choice = el("select", { class: "gl-select", "aria-label": say("picture") });
  const state = el("p", { class: "gl-readout", role: "status" });
  const [upperTitle, lowerTitle] = [mapTitle(), mapTitle()];
  /**
   * @param {number | null} x 0 to 1
   * @param {number} y 0 to 1
   */
  const tokenAt = (x, y) => {
    const side = report?.side ?? 1;
    /** @param {number} share */
    const index = (share) => clamp(Math.floor(share * side), 0, side - 1);
    return x === null ? null : 1 + index(y) * side + index(x);
  };
  const [upperTiles, lowerTiles] = [createTiles(ctx, tokenAt), createTiles(ctx, tokenAt)];
  const methods = createPartChoice(ctx, (chosen) => {
    report = chosen;
    ctx.redraw();
  });
  body.append(choice, methods.host, state, upperTitle, upperTiles.host, lowerTitle, lowerTiles.host);
  const ask = createAsker(ctx, state, (answer) => {
    picture.src = answer.picture;
    methods.show(answer);
  });
  picture.addEventListener("load", () => ctx.redraw());
  choice.addEventListener("change", () => {
    wanted = choice.value;
    ctx.redraw();
  });

  /** @param {Report} of */
  const fillChoice = (of) => {
    if (choice.dataset.names !== of.names.join()) {
      choice.dataset.names = of.names.join();
      choice.replaceChildren(...of.names.map((name) => el("option", { value: name, text: name })));
    }
    choice.value = of.name;
  };
  /**
   * @param {View} view
   * @param {Report} of
   * @param {number} step
   */
  const show = (view, of, step) => {
    fillChoice(of);
    const at = cursorOf(view);
    const { upper, lower, head, said } = mapsOf(of, at, ctx);
    const look = { picture, side: of.side, at, palette: paletteOf(body) };
    const ends = upperTiles.draw(upper, say("bare"), look);
    upperTitle.textContent = say("scale", { what: ctx.common(`asks.share.${of.kind}`, said), ...ends });
    lowerTiles.host.hidden = lowerTitle.hidden = !lower;
    if (lower) {
      const values = { layer: lower.layer, head, ...lowerTiles.draw(firstPrompts(lower, say), "", look) };
      const many = lower.grid.length > MOST_PROMPTS;
      const rest = many ? ` ${say("first_places", { n: MOST_PROMPTS })}` : "";
      lowerTitle.textContent = say(`spread.${of.kind}`, values) + rest;
    }
    ask.tell(describe(of, at, upper, step, say));
  };

  return (view) => {
    const { tape, step } = view;
    if (run !== tape.run) {
      run = tape.run;
      report = null;
      wanted = tape.at("sample", 0)?.prompt ?? "";
    }
    ask({ query: "probe_picture", run, step, last: step >= tape.last, name: wanted }, view.playing || view.following);
    const ready = report && picture.complete && picture.naturalWidth > 0;
    const parts = [choice, upperTiles.host, upperTitle, lowerTiles.host, lowerTitle];
    for (const part of parts) part.hidden = !ready;
    if (ready && report) show(view, report, report.step ?? tape.last);
    else ask.tell(ctx.common("asks.waiting"));
  };
};

/** @type {Panel} */
export const patches = {
  name: "patches",
  order: 3,
  side: "left",
  tall: 420,
  needs: null,
  fits: (tape) => tape.pictures,
  mount,
};
