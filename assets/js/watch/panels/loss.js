// Loss on the task and on plain text: what the run learns and what it forgets, drawn by Plotly in a fixed place.
// @ts-check

import { paletteOf } from "../../common/colour.js";
import { el, toggleButton } from "../../common/dom.js";
import { loadPlotly } from "../../common/plotly.js";
import { figure } from "../../common/text.js";
import { stepScale } from "../steps.js";
import { lossLayout, lossTraces, lowestValidation } from "./loss_plot.js";

/** @import { Panel, PlotlyHost, ShownView, View } from "../../types.js" */
/** @import { Tape } from "../tape.js" */

const CONFIG = { displayModeBar: false, doubleClick: "reset" };

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  let logarithmic = true;
  let drawn = "";
  let wired = false;
  /** The step under the pointer. @type {number | null} */
  let hovered = null;
  const toggle = toggleButton(say("log"), say("log.title"), true, (pressed) => {
    logarithmic = pressed;
    ctx.redraw();
  });
  const keys = ["training", "validation", "ability"].map((name) =>
    el("span", { class: `gl-key gl-key-${name}`, title: say(`${name}.title`), text: say(name) }),
  );
  const otherKey = el("span", { class: "gl-key gl-key-other" });
  const line = el("div", { class: "gl-cursor-line" });
  const host = /** @type {PlotlyHost} */ (/** @type {HTMLElement} */ (el("div", { class: "gl-loss-plot" })));
  const wrap = el("div", { class: "gl-loss-wrap", role: "img", "aria-label": say("title") }, host, line);
  const readout = el("p", { class: "gl-readout", "aria-live": "off" });
  ctx.tools.append(toggle);
  body.append(el("div", { class: "gl-keys" }, ...keys, otherKey), wrap, readout);

  /** @param {ShownView} view */
  const moveLine = (view) => {
    const axis = host._fullLayout?.xaxis;
    if (!axis?.l2p) return;
    const x = axis.l2p(stepScale(logarithmic, view.tape.last).of(view.step));
    line.hidden = !(x >= 0 && x <= axis._length);
    line.style.transform = `translateX(${axis._offset + x}px)`;
  };
  /** @param {ShownView} view */
  const describe = ({ tape, step: shown }) => {
    const step = hovered ?? shown;
    const evaluated = tape.at("eval", step);
    const values = {
      step,
      training: figure(tape.at("loss", step)?.loss),
      validation: figure(evaluated?.validation_loss),
      ability: figure(evaluated?.base_ability_loss),
    };
    const best = lowestValidation(tape);
    const texts = [say("readout", values)];
    if (best) texts.push(say("best", { step: best.step, value: figure(best.validation_loss) }));
    readout.textContent = texts.join(" · ");
  };
  /** @param {ShownView} view */
  const listen = (view) => {
    if (wired) return;
    wired = true;
    /** @param {number | null} step */
    const hover = (step) => {
      hovered = step;
      describe(view);
    };
    host.on("plotly_hover", (event) => hover(event.points[0].customdata));
    host.on("plotly_unhover", () => hover(null));
    host.on("plotly_click", (event) => ctx.goTo(event.points[0].customdata));
    host.on("plotly_relayout", () => moveLine(view));
  };

  /**
   * What is drawn: as long as it is the same, so is the picture.
   *
   * @param {View} view
   */
  const keyOf = ({ tape, other }) =>
    [tape?.key, other?.run, other?.version, logarithmic, paletteOf(body).key, body.clientWidth].join(" ");

  /**
   * @param {import("../../types.js").PlotlyModule} Plotly
   * @param {Tape} tape
   * @param {Tape | null} other
   */
  const plot = async (Plotly, tape, other) => {
    const palette = paletteOf(body);
    const end = Math.max(tape.end, other?.last ?? 0);
    const scale = stepScale(logarithmic, end);
    const layout = lossLayout(scale, end, palette, `${tape.run} ${logarithmic}`, say);
    const size = { width: host.clientWidth, height: host.clientHeight };
    await Plotly.react(host, lossTraces(tape, other, scale, palette, say), { ...layout, ...size }, CONFIG);
  };

  return async (view) => {
    const { tape, other } = view;
    const key = keyOf(view);
    otherKey.hidden = !other;
    otherKey.textContent = other ? say("other", { name: other.name }) : "";
    // A hidden element has no size to draw for: Plotly would choose one and keep it.
    if (host.clientWidth && key !== drawn) {
      drawn = key;
      const Plotly = await loadPlotly();
      // Meanwhile the person may have opened another tab, or another run.
      if (drawn !== key) return;
      if (!host.clientWidth) {
        drawn = "";
        return;
      }
      await plot(Plotly, tape, other);
      listen(view);
    }
    moveLine(view);
    describe(view);
  };
};

/** @type {Panel} */
export const loss = { name: "loss", order: 2, side: "right", needs: null, mount };
