// Side tuning: how much of the blend is the base's, and whose next word the blend has.
// @ts-check

import { el, mapTitle, readoutLine } from "../../common/dom.js";
import { figure } from "../../common/text.js";
import { createLines } from "../lines.js";

/** @import { BlendEvent } from "../../event_types.js" */
/** @import { Panel, Say, SeriesStyle } from "../../types.js" */

/** @type {SeriesStyle} */
const TUNED = { colour: "tuned", wide: true };
/** @type {SeriesStyle} */
const BASE = { colour: "base", wide: true };

/** @param {number} share */
const percent = (share) => figure(100 * share, 3);

/**
 * @param {BlendEvent} blend
 * @param {Say} say
 */
const describe = ({ step, ratio, cosine, base, side }, say) =>
  say("blend", { step, ratio: figure(ratio), cosine: figure(cosine, 2), base: percent(base), side: percent(side) });

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  body.append(mapTitle(say("share")));
  const drawShare = createLines(body, say("share"), ctx.goTo);
  const readout = readoutLine();
  const keys = ["base", "network"].map((name) => el("span", { class: `gl-key gl-key-${name}`, text: say(name) }));
  body.append(readout, mapTitle(say("agree")), el("div", { class: "gl-keys" }, ...keys));
  const drawAgreement = createLines(body, say("agree"), ctx.goTo);
  const blendReadout = el("p", { class: "gl-readout" });
  body.append(blendReadout);

  return (view) => {
    const { tape, step } = view;
    const event = tape.at("side", step);
    if (!event) return;
    const axes = { key: tape.key, step, last: tape.end, high: 1, marks: [0, 0.5, 1] };
    drawShare({ ...axes, lines: [tape.series("side", (one) => one.base_share, BASE)] });
    readout.textContent = say("at", { step: event.step, share: percent(event.base_share), grad: figure(event.grad) });
    const lines = [tape.series("blend", (one) => one.base, BASE), tape.series("blend", (one) => one.side, TUNED)];
    drawAgreement({ ...axes, lines });
    const blend = tape.at("blend", step);
    blendReadout.textContent = blend ? describe(blend, say) : "";
  };
};

/** @type {Panel} */
export const side = { name: "side", order: 1, side: "left", tall: 520, needs: "side", mount };
