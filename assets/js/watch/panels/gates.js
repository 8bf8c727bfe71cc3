// Zero-init attention: the gates of every layer and head, and their values over the steps.
// @ts-check

import { legendBar, paletteOf } from "../../common/colour.js";
import { el, mapTitle, readoutLine, toggleButton } from "../../common/dom.js";
import { cellSeries, mean } from "../../common/maths.js";
import { figure } from "../../common/text.js";
import { cursorOf } from "../cursor.js";
import { createHeatMap } from "../heat.js";
import { createStrip } from "../lines.js";

/** @import { GateEvent, Grid } from "../../event_types.js" */
/** @import { Cell, Cursor, Panel, PanelContext } from "../../types.js" */

/** @param {number[]} values */
const meanSize = (values) => mean(values.map(Math.abs));
/** @param {Grid} grid */
const largestSize = (grid) => Math.max(...grid.map((row) => Math.max(...row.map(Math.abs))));
/**
 * @param {Grid} a
 * @param {Grid} b
 */
const difference = (a, b) => a.map((row, r) => row.map((value, c) => value - b[r][c]));
/**
 * @param {GateEvent} a
 * @param {GateEvent} b
 */
const sameShape = (a, b) => a.gate.length === b.gate.length && a.gate[0].length === b.gate[0].length;

/**
 * One map with its title above.
 *
 * @param {PanelContext} ctx
 * @param {HTMLElement} row where the maps stand side by side
 * @param {() => GateEvent | null} current
 */
const createMap = (ctx, row, current) => {
  const title = mapTitle();
  const host = el("div", { class: "gl-map" }, title);
  row.append(host);
  /** @param {number} layer */
  const layerOf = (layer) => current()?.layers[layer] ?? null;
  const draw = createHeatMap(host, {
    label: ctx.say("label"),
    hover: (layer, head) => ctx.set({ hover: layer === null ? null : { layer: layerOf(layer), head } }),
    pick: (layer, head) => ctx.set({ layer: layerOf(layer), head }),
  });
  return { host, title, draw };
};

/**
 * The cell of a layer and a head, or null; in a layer whose heads share one gate, any head is its only column.
 *
 * @param {GateEvent} event
 * @param {Pick<Cursor, "layer" | "head">} at
 * @returns {Cell | null}
 */
const cellOf = (event, { layer, head }) => {
  const index = layer === null ? -1 : event.layers.indexOf(layer);
  if (index < 0 || (head !== null && head >= event.gate[0].length)) return null;
  return [index, event.shared && head !== null ? 0 : head];
};

/**
 * The value at the cursor in words, or the mean of all gates.
 *
 * @param {GateEvent} event
 * @param {GateEvent | null} other of the run that is compared with
 * @param {Cursor} at
 * @param {PanelContext["say"]} say
 */
const describe = (event, other, at, say) => {
  const row = at.layer === null ? -1 : event.layers.indexOf(at.layer);
  if (row < 0 || at.head === null) return say("mean", { value: figure(meanSize(event.gate.flat())), step: event.step });
  const head = event.shared ? 0 : at.head;
  const values = { value: figure(event.gate[row][head]), grad: figure(event.grad[row][head]) };
  const text = say(event.shared ? "cell.shared" : "cell", { layer: at.layer, head, ...values });
  return other ? `${text}  ·  ${say("cell.other", { value: figure(other.gate[row][head]) })}` : text;
};

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  /** @type {GateEvent | null} */
  let event = null;
  let zoom = false;
  /** @type {{key: string, lines: number[][], most: number}} */
  let known = { key: "", lines: [], most: 0 };
  const legend = el("span");
  const toggle = toggleButton(say("zoom"), say("zoom.title"), false, (pressed) => {
    zoom = pressed;
    ctx.redraw();
  });
  ctx.tools.append(legend, toggle);
  const row = el("div", { class: "gl-maps" });
  body.append(row);
  const maps = ["this", "other", "difference"].map(() => createMap(ctx, row, () => event));
  const readout = readoutLine();
  body.append(readout, mapTitle(say("strip")));
  const strip = createStrip(body, say("strip"), ctx.goTo);

  /**
   * The names that all maps share.
   *
   * @param {GateEvent} shown
   * @param {boolean} narrow whether there are several maps
   */
  const names = (shown, narrow) => {
    const heads = shown.gate[0].map((_, head) => head);
    return {
      rowNames: shown.layers.map((layer) => (narrow ? String(layer) : ctx.common("layer", { layer }))),
      columnNames: shown.shared ? [say("all_heads")] : heads.map((head) => ctx.common("head", { head })),
      shortNames: shown.shared ? ["g"] : heads.map(String),
    };
  };

  return (view) => {
    const { tape, step } = view;
    event = tape.at("gates", step);
    if (!event) return;
    const shown = event;
    const palette = paletteOf(body);
    const at = cursorOf(view);
    const compared = view.other?.at("gates", step) ?? null;
    const other = compared && sameShape(compared, shown) ? compared : null;
    const most = zoom ? largestSize(shown.gate) || 1 : 1;
    const shared = {
      ...names(shown, Boolean(other)),
      rows: shown.gate.length,
      columns: shown.gate[0].length,
      widest: shown.shared ? Infinity : 160,
      edged: true,
      picked: cellOf(shown, view),
      hovered: view.hover ? cellOf(shown, at) : null,
      colour: (/** @type {number} */ value) => palette.gate(value, most),
    };
    const grids = [shown.gate, other?.gate, other && difference(shown.gate, other.gate)];
    const titles = [tape.name, view.other?.name ?? "", say("difference")];
    row.dataset.maps = other ? "3" : "1";
    maps.forEach(({ host, title, draw }, i) => {
      const grid = grids[i];
      host.hidden = !grid;
      title.hidden = !other;
      if (!grid) return;
      title.textContent = title.title = titles[i];
      const bars = other ? null : { values: grid.map(meanSize), most, name: say("bars") };
      draw({ ...shared, bars, value: (r, c) => grid[r][c] });
    });
    const edge = figure(most, most < 0.1 || most === 1 ? 1 : 2);
    const scale = [-1, -0.5, 0, 0.5, 1].map((value) => palette.gate(value));
    legend.replaceChildren(legendBar(scale, `−${edge}`, edge));
    readout.textContent = describe(shown, other, at, say);
    if (known.key !== tape.key) {
      const lines = cellSeries(tape.all("gates").map((one) => one.gate));
      known = { key: tape.key, lines, most: largestSize(lines) };
    }
    const [r, c] = cellOf(shown, at) ?? [null, null];
    const picked = r !== null && c !== null ? r * shown.gate[0].length + c : null;
    const reach = zoom ? known.most || 1 : 1;
    strip({
      key: tape.key,
      steps: tape.stepsOf("gates"),
      lines: known.lines,
      picked,
      step,
      most: reach,
      last: tape.end,
    });
  };
};

/** @type {Panel} */
export const gates = { name: "gates", order: 1, side: "left", tall: 440, needs: "gates", mount };
