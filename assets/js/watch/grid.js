// A map of layers by columns, its readout, and every cell's values over the steps. Panels only describe it.
// @ts-check

import { paletteOf, rampLegend } from "../common/colour.js";
import { el, mapTitle, readoutLine } from "../common/dom.js";
import { cellSeries, largest, mean } from "../common/maths.js";
import { figure } from "../common/text.js";
import { cursorOf } from "./cursor.js";
import { createHeatMap } from "./heat.js";
import { createStrip } from "./lines.js";

/** @import { EventsByKind, Kind } from "../event_types.js" */
/** @import { Cursor, GridSpec, PanelContext, ShownView } from "../types.js" */

/**
 * The cell at a cursor, or null. Several rows may belong to one layer: `row` then says which.
 *
 * @param {Cursor} at
 * @param {readonly number[]} layers of each row
 * @param {number} columns
 * @returns {[row: number, column: number] | null}
 */
const cellAt = (at, layers, columns) => {
  const named = at.row !== null && layers[at.row] === at.layer ? at.row : null;
  const row = named ?? (at.layer === null ? -1 : layers.indexOf(at.layer));
  return row < 0 || at.head === null || at.head >= columns ? null : [row, at.head];
};

/**
 * A map in a panel.
 *
 * @template {Kind} K
 * @param {PanelContext} ctx the panel's; its words "label", "cell", "mean" and "strip" are used here
 * @param {GridSpec<K>} spec
 * @returns {(view: ShownView) => EventsByKind[K] | null} draw, which returns the event that it drew
 */
export const createGrid = (ctx, spec) => {
  const host = spec.host ?? ctx.body;
  /** @type {PanelContext["say"]} */
  const say = (key, values) => ctx.say(`${spec.words ?? ""}${key}`, values);
  /** @param {EventsByKind[K]} event */
  const layersOf = (event) => spec.layers?.(event) ?? /** @type {{layers: number[]}} */ (event).layers;
  /** @type {number[]} */
  let layers = [];
  /** @type {{key: string, lines: number[][], most: number}} */
  let known = { key: "", lines: [], most: 0 };
  const legend = el("span");
  const map = el("div");
  const readout = readoutLine();
  (spec.tools ?? ctx.tools).append(legend);
  host.append(map, readout, mapTitle(say("strip")));
  const heat = createHeatMap(map, {
    label: say("label"),
    hover: (row, head) => ctx.set({ hover: row === null ? null : { layer: layers[row], head, row } }),
    pick: (row, head) => ctx.set({ layer: layers[row], head, row }),
  });
  const strip = createStrip(host, say("strip"), ctx.goTo, 0);

  /**
   * @param {EventsByKind[K]} event
   * @param {[row: number, column: number] | null} cell
   */
  const describe = (event, cell) => {
    const grid = spec.grid(event);
    const more = spec.values?.(event, cell?.[0] ?? null, cell?.[1] ?? null) ?? {};
    if (!cell) return say("mean", { value: figure(mean(grid.flat())), step: event.step, ...more });
    const [row, column] = cell;
    const value = figure(grid[row][column]);
    return say("cell", { layer: layers[row], column: spec.columns(event)[column], value, ...more });
  };

  return (view) => {
    const { tape, step } = view;
    const event = tape.at(spec.kind, step);
    map.hidden = !event;
    if (!event) return null;
    layers = layersOf(event);
    if (known.key !== tape.key) {
      const lines = cellSeries(tape.all(spec.kind).map(spec.grid));
      known = { key: tape.key, lines, most: largest(lines, 1e-9) };
    }
    const most = spec.top || known.most;
    const palette = paletteOf(host);
    const grid = spec.grid(event);
    const columns = spec.columns(event);
    const cell = cellAt(cursorOf(view), layers, columns.length);
    heat({
      rows: grid.length,
      columns: columns.length,
      edged: true,
      widest: 320,
      value: (row, column) => grid[row][column],
      colour: (value) => palette.ramp(value / most),
      rowNames: spec.rows?.(event) ?? layers.map((layer) => ctx.common("layer", { layer })),
      columnNames: columns,
      shortNames: spec.shortNames?.(event),
      bars: spec.bars && { values: spec.bars(event), most: 1, name: say("bars") },
      picked: cellAt(view, layers, columns.length),
      hovered: view.hover ? cell : null,
    });
    legend.replaceChildren(rampLegend(palette, "0", figure(most, 2)));
    readout.textContent = describe(event, cell);
    const picked = cell ? cell[0] * columns.length + cell[1] : null;
    strip({ key: tape.key, steps: tape.stepsOf(spec.kind), lines: known.lines, picked, step, most, last: tape.end });
    return event;
  };
};
