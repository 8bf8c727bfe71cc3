// Prefix tuning: how far the prefix is from its start, how far each step takes it, and its keys and values by layer.
// @ts-check

import { barHead, barRow, el, mapTitle, readoutLine } from "../../common/dom.js";
import { largest } from "../../common/maths.js";
import { figure } from "../../common/text.js";
import { createLines } from "../lines.js";

/** @import { PrefixEvent } from "../../event_types.js" */
/** @import { Panel, Series, SeriesStyle } from "../../types.js" */
/** @import { Tape } from "../tape.js" */

/** @type {SeriesStyle} */
const OTHER = { colour: "ink", dotted: true };
/** @type {SeriesStyle} */
const TUNED = { colour: "tuned", wide: true };

/**
 * How far each step took the prefix: an event tells of all steps since the event before it.
 *
 * @param {PrefixEvent[]} events
 */
const perStep = (events) =>
  events.map((event, i) => event.stride / Math.max(1, event.step - (events[i - 1]?.step ?? event.step - 1)));

/**
 * @param {Tape} tape
 * @param {SeriesStyle} style
 * @returns {Series}
 */
const stridesOf = (tape, style) => ({ steps: tape.stepsOf("prefix"), values: perStep(tape.all("prefix")), ...style });

/** @param {Series[]} lines */
const top = (lines) =>
  largest(
    lines.map((line) => line.values),
    1e-9,
  );

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  const keys = ["moved", "norm"].map((name) => el("span", { class: `gl-key gl-key-${name}`, text: say(name) }));
  const otherKey = el("span", { class: "gl-key gl-key-other" });
  body.append(el("div", { class: "gl-keys" }, ...keys, otherKey));
  const drawMoved = createLines(body, say("way"), ctx.goTo);
  body.append(mapTitle(say("strides")));
  const drawStrides = createLines(body, say("strides"), ctx.goTo);
  const readout = readoutLine();
  const table = el("table", { class: "gl-moved" });
  body.append(readout, table);
  const columns = [[say("layer")], ...["keys", "values"].map((name) => [say(name), say(`${name}.title`)])];

  /** @param {PrefixEvent} event */
  const fillTable = (event) => {
    const longest = Math.max(...event.keys, ...event.values) || 1;
    /** @param {number} value */
    const bar = (value) => ({ share: value / longest, text: figure(value) });
    const rows = event.keys.map((size, layer) =>
      barRow(ctx.common("layer", { layer }), bar(size), bar(event.values[layer])),
    );
    table.replaceChildren(barHead(...columns), ...rows.reverse());
  };

  return (view) => {
    const { tape, step } = view;
    const event = tape.at("prefix", step);
    if (!event) return;
    const other = view.other?.all("prefix").length ? view.other : null;
    otherKey.hidden = !other;
    otherKey.textContent = other ? say("other", { name: other.name }) : "";
    const axes = { key: `${tape.key} ${other?.key}`, step, last: Math.max(tape.end, other?.end ?? 0) };
    const moved = [tape.series("prefix", (one) => one.norm), tape.series("prefix", (one) => one.moved, TUNED)];
    const strides = [stridesOf(tape, TUNED)];
    if (other) {
      moved.push(other.series("prefix", (one) => one.moved, OTHER));
      strides.push(stridesOf(other, OTHER));
    }
    drawMoved({ ...axes, lines: moved, high: top(moved) });
    drawStrides({ ...axes, lines: strides, high: top(strides) });
    const stride = strides[0].values[tape.all("prefix").indexOf(event)];
    const values = { stride: figure(stride), moved: figure(event.moved), norm: figure(event.norm) };
    readout.textContent = say("at", { step: event.step, ...values });
    fillTable(event);
  };
};

/** @type {Panel} */
export const prefix = { name: "prefix", order: 3, side: "right", tall: 520, needs: "prefix", mount };
