// Loss on the task and on plain text: what the run learns and what it forgets, drawn by Plotly in a fixed place.
// @ts-check

import { pageScale } from "../../common/canvas.js";
import { paletteOf } from "../../common/colour.js";
import { el, toggleButton } from "../../common/dom.js";
import { createPlot } from "../../common/plotly.js";
import { figure } from "../../common/text.js";
import { stepScale } from "../steps.js";
import { forgetting, lossLayout, lossTraces, lowestValidation, scoring } from "./loss_plot.js";

/** @import { Panel, PlotlyHost, ShownView } from "../../types.js" */
/** @import { Tape } from "../tape.js" */

const CONFIG = { displayModeBar: false, doubleClick: "reset" };

/**
 * The three losses of a run at a step, and its head's score, as figures.
 *
 * @param {Tape} tape
 * @param {number} step
 */
const lossesAt = (tape, step) => {
  const evaluated = tape.at("eval", step);
  return {
    step,
    training: figure(tape.at("loss", step)?.loss),
    validation: figure(evaluated?.validation_loss),
    forgetting: figure(forgetting(tape)(evaluated)),
    score: figure(evaluated?.score),
  };
};

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  let logarithmic = true;
  /** The step under the pointer. @type {number | null} */
  let hovered = null;
  const toggle = toggleButton(say("log"), say("log.title"), true, (pressed) => {
    logarithmic = pressed;
    ctx.redraw();
  });
  const keys = ["training", "validation", "forgetting"].map((name) =>
    el("span", { class: `gl-key gl-key-${name}`, title: say(`${name}.title`), text: say(name) }),
  );
  const scoreKey = el("span", { class: "gl-key gl-key-score", title: say("score.title") });
  const otherKey = el("span", { class: "gl-key gl-key-other" });
  const line = el("div", { class: "gl-cursor-line" });
  const host = /** @type {PlotlyHost} */ (/** @type {HTMLElement} */ (el("div", { class: "gl-loss-plot" })));
  const wrap = el("div", { class: "gl-loss-wrap", role: "img", "aria-label": say("title") }, host, line);
  const readout = el("p", { class: "gl-readout", "aria-live": "off" });
  ctx.tools.append(toggle);
  body.append(el("div", { class: "gl-keys" }, ...keys, scoreKey, otherKey), wrap, readout);

  /** @param {ShownView} view */
  const moveLine = (view) => {
    const axis = host._fullLayout?.xaxis;
    if (!axis?.l2p) return;
    const x = axis.l2p(stepScale(logarithmic, view.tape.last).of(view.step));
    line.hidden = !(x >= 0 && x <= axis._length);
    line.style.transform = `translateX(${(axis._offset + x) / pageScale()}px)`;
  };
  /** @param {ShownView} view */
  const describe = ({ tape, other, step: shown }) => {
    const step = hovered ?? shown;
    const best = lowestValidation(tape);
    const { score, unit } = scoring(tape);
    const losses = lossesAt(tape, step);
    const texts = [say("readout", { ...losses, unit: say(`unit.${unit}`) })];
    if (score) texts.push(say("readout.score", { ...losses, name: say(`score.${score}`) }));
    if (best) texts.push(say("best", { step: best.step, value: figure(best.validation_loss) }));
    if (other) texts.push(say("readout.other", { name: other.name, ...lossesAt(other, step) }));
    readout.textContent = texts.join(" · ");
  };
  /** @param {number | null} step */
  const hover = (step) => {
    hovered = step;
    describe(/** @type {ShownView} */ (ctx.view));
  };
  const plot = createPlot(host, CONFIG, {
    plotly_hover: (event) => hover(event.points[0].customdata),
    plotly_unhover: () => hover(null),
    plotly_click: (event) => ctx.goTo(event.points[0].customdata),
    plotly_relayout: () => moveLine(/** @type {ShownView} */ (ctx.view)),
  });

  return async (view) => {
    const { tape, other } = view;
    const palette = paletteOf(body);
    const scored = scoring(tape);
    scoreKey.hidden = !scored.score;
    scoreKey.textContent = scored.score && say(`score.${scored.score}`);
    otherKey.hidden = !other;
    otherKey.textContent = other ? say("other", { name: other.name }) : "";
    const key = [tape.key, other?.key, logarithmic, palette.key, body.clientWidth].join(" ");
    const current = await plot(key, () => {
      const end = Math.max(tape.end, other?.last ?? 0);
      const scale = stepScale(logarithmic, end);
      return {
        data: lossTraces(tape, other, scale, palette, say),
        layout: lossLayout(scale, end, palette, `${tape.run} ${logarithmic}`, scored, say),
      };
    });
    if (!current) return;
    moveLine(view);
    describe(view);
  };
};

/** @type {Panel} */
export const loss = { name: "loss", order: 2, side: "right", tall: 390, needs: null, mount };
