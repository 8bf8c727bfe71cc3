// Tuning of norms: how far the gain and the bias of each norm have changed, a row for each kind of norm.
// @ts-check

import { paletteOf, rampLegend } from "../../common/colour.js";
import { el, mapTitle, readoutLine } from "../../common/dom.js";
import { largest } from "../../common/maths.js";
import { figure } from "../../common/text.js";
import { createHeatMap } from "../heat.js";
import { createStrip } from "../lines.js";

/** @import { NormEvent } from "../../event_types.js" */
/** @import { Panel } from "../../types.js" */
/** @import { Tape } from "../tape.js" */
/** @typedef {{name: string, field: "gamma" | "beta", norms: (number | undefined)[]}} Kinds index of the norm by column */

/**
 * A norm's layer, and its name within the layer; no layer where it stands behind all of them.
 *
 * @param {string} path
 */
const placeOf = (path) => {
  const [, layer, name] = path.match(/\.(\d+)\.(.+)$/) ?? [];
  return { layer: layer ?? "", name: name ?? path.replace(/^\w+\./, "") };
};

/**
 * The rows and columns of the map: kinds of norms by layers, what belongs to no layer in a last column.
 *
 * @param {NormEvent} event
 * @param {boolean} biased
 */
const gridOf = (event, biased) => {
  const places = event.norms.map(placeOf);
  const layers = [...new Set(places.map(({ layer }) => layer))].sort((a, b) =>
    a && b ? Number(a) - Number(b) : Number(!a) - Number(!b),
  );
  const fields = biased ? /** @type {const} */ (["beta", "gamma"]) : /** @type {const} */ (["gamma"]);
  const names = [...new Set(places.map(({ name }) => name))].reverse();
  const rows = names.flatMap((name) =>
    fields.map((field) => {
      const norms = layers.map((layer) => places.findIndex((place) => place.layer === layer && place.name === name));
      return /** @type {Kinds} */ ({ name, field, norms: norms.map((norm) => (norm < 0 ? undefined : norm)) });
    }),
  );
  return { layers, rows };
};

/**
 * What is drawn of the whole run: one line per norm, whether any bias moved, where the scale ends, and the map's shape.
 *
 * @param {Tape} tape
 */
const wholeRun = (tape) => {
  const events = tape.all("norms");
  const biased = events.some((event) => event.beta.some(Boolean));
  return {
    key: tape.key,
    lines: events[0].norms.map((_, i) => events.map((event) => event.gamma[i])),
    biased,
    most: largest(
      events.flatMap((event) => [event.gamma, event.beta]),
      1e-9,
    ),
    ...gridOf(events[0], biased),
  };
};

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  const legend = el("span");
  ctx.tools.append(legend);
  const map = el("div");
  const readout = readoutLine();
  body.append(map, readout, mapTitle(say("strip")));
  /** @type {[row: number, column: number] | null} */
  let at = null;
  /**
   * @param {number | null} row
   * @param {number | null} column
   */
  const point = (row, column) => {
    at = row === null || column === null ? null : [row, column];
    ctx.redraw();
  };
  const heat = createHeatMap(map, { label: say("label"), hover: point, pick: point });
  const strip = createStrip(body, say("strip"), ctx.goTo, 0);
  /** @type {ReturnType<typeof wholeRun> | null} */
  let known = null;

  return (view) => {
    const { tape, step } = view;
    const event = tape.at("norms", step);
    if (!event) return;
    if (known?.key !== tape.key) known = wholeRun(tape);
    const { key, lines, most, biased, layers, rows } = known;
    const palette = paletteOf(body);
    /** @param {Kinds} row @param {number} column */
    const cellOf = ({ norms, field }, column) => event[field][norms[column] ?? -1] ?? NaN;
    /** @param {Kinds} row */
    const nameOf = ({ name, field }) => (biased ? `${name} ${say(field)}` : name);
    heat({
      rows: rows.length,
      columns: layers.length,
      widest: 64,
      tallest: 22,
      edged: true,
      value: (row, column) => cellOf(rows[row], column),
      colour: (value) => palette.ramp(value / most),
      rowNames: rows.map(nameOf),
      columnNames: layers.map((layer) => (layer ? ctx.common("layer", { layer }) : say("last"))),
      shortNames: layers.map((layer) => layer || "·"),
      picked: at,
      hovered: null,
    });
    legend.replaceChildren(rampLegend(palette, "0", figure(most, 2)));
    const norm = at && rows[at[0]]?.norms[at[1]];
    readout.textContent =
      at && norm !== null && norm !== undefined
        ? say("cell", {
            norm: event.norms[norm],
            part: say(rows[at[0]].field),
            value: figure(cellOf(rows[at[0]], at[1])),
          })
        : say("at", { step: event.step, value: figure(Math.max(...event.gamma)) });
    const picked = typeof norm === "number" ? norm : null;
    strip({ key, steps: tape.stepsOf("norms"), lines, picked, step, most, last: tape.end });
  };
};

/** @type {Panel} */
export const norms = { name: "norms", order: 6, side: "right", tall: 340, needs: "norms", mount };
