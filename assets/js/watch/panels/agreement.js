// Mixtures of adapters: how differently two random routes predict, token by token.
// @ts-check

import { paletteOf, rampLegend } from "../../common/colour.js";
import { el, mapTitle, readoutLine } from "../../common/dom.js";
import { largest, mean } from "../../common/maths.js";
import { figure, tokenName } from "../../common/text.js";
import { cursorOf } from "../cursor.js";
import { createHeatMap } from "../heat.js";
import { createLines } from "../lines.js";

/** @import { AgreementEvent } from "../../event_types.js" */
/** @import { Panel, Say } from "../../types.js" */

/**
 * @param {AgreementEvent} event
 * @param {number | null} token the one at the cursor, null for the mean of all
 * @param {Say} say
 */
const describe = (event, token, say) => {
  /** @param {number[]} values */
  const pick = (values) => figure(token === null ? mean(values) : values[token]);
  const values = { step: event.step, between: pick(event.between), average: pick(event.from_average) };
  return token === null ? say("mean", values) : say("cell", { ...values, token: tokenName(event.tokens[token]) });
};

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  const legend = el("span");
  ctx.tools.append(legend);
  const map = el("div");
  const readout = readoutLine();
  body.append(map, readout, mapTitle(say("strip")));
  const drawMap = createHeatMap(map, {
    label: say("label"),
    hover: (_, token) => ctx.set({ hover: token === null ? null : { token } }),
    pick: (_, token) => ctx.set({ token }),
  });
  const drawLines = createLines(body, say("strip"), ctx.goTo);

  return (view) => {
    const { tape, step } = view;
    const event = tape.at("agreement", step);
    if (!event) return;
    const palette = paletteOf(body);
    const grid = [event.from_average, event.between];
    const most = largest(
      tape.all("agreement").flatMap((one) => [one.between, one.from_average]),
      1e-3,
    );
    const at = cursorOf(view).token;
    const token = at !== null && at < event.tokens.length ? at : null;
    drawMap({
      rows: 2,
      columns: event.tokens.length,
      widest: 64,
      tallest: 26,
      edged: true,
      value: (row, column) => grid[row][column],
      colour: (value) => palette.ramp(value / most),
      rowNames: [say("from_average"), say("between")],
      columnNames: event.tokens.map(tokenName),
      picked: token === null ? null : [null, token],
      hovered: null,
    });
    legend.replaceChildren(rampLegend(palette, "0", say("nats", { value: figure(most, 2) })));
    readout.textContent = describe(event, token, say);
    const lines = [
      tape.series("agreement", (one) => mean(one.from_average)),
      tape.series("agreement", (one) => mean(one.between), { colour: "tuned", wide: true }),
    ];
    const high = largest(
      lines.map((line) => line.values),
      1e-3,
    );
    drawLines({ key: tape.key, lines, step, last: tape.end, high });
  };
};

/** @type {Panel} */
export const agreement = { name: "agreement", order: 2, side: "left", tall: 330, needs: "agreement", mount };
