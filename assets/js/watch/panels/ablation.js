// Which layers matter: the loss with the method switched off in layers i to j, asked for by a button.
// @ts-check

import { paletteOf, rampLegend } from "../../common/colour.js";
import { button, el } from "../../common/dom.js";
import { answerOf } from "../../common/server.js";
import { figure } from "../../common/text.js";
import { createHeatMap } from "../heat.js";
import { scoring } from "./loss_plot.js";

/** @import { AblationLosses, Panel, ShownView, View } from "../../types.js" */

const KEPT = 20;

/** @param {View} view */
const nameOf = ({ tape, step }) => `${tape?.run} ${tape && step >= tape.last ? "last" : step}`;

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  /** @type {Map<string, AblationLosses>} */
  const known = new Map();
  let waiting = false;
  let problem = "";
  /** @type {[from: number, to: number] | null} */
  let at = null;
  const legend = el("span");
  const compute = button(say("compute"), () => ask(), { class: "gl-button gl-small" });
  ctx.tools.append(legend, compute);
  const map = el("div");
  const readout = el("p", { class: "gl-readout", role: "status" });
  body.append(map, readout);
  /**
   * @param {number | null} row
   * @param {number | null} column
   */
  const point = (row, column) => {
    at = row === null || column === null ? null : [row, column];
    ctx.redraw();
  };
  const drawMap = createHeatMap(map, { label: say("label"), hover: point, pick: point });

  const ask = async () => {
    const { tape, step } = ctx.view;
    const key = nameOf(ctx.view);
    if (waiting || !tape) return;
    waiting = true;
    problem = "";
    ctx.redraw();
    const answer = await answerOf(ctx.server.ask({ query: "ablation", run: tape.run, step, last: step >= tape.last }));
    waiting = false;
    if (known.size > KEPT) known.clear();
    if (!answer) problem = ctx.common("gone");
    else if (answer.error !== undefined) problem = answer.error;
    else known.set(key, answer);
    ctx.redraw();
  };

  /**
   * @param {ShownView} view
   * @param {AblationLosses} losses
   */
  const show = (view, { spans, whole, step }) => {
    const palette = paletteOf(body);
    const worst = Math.max(...spans.flat().filter((loss) => loss !== null));
    const layers = spans.map((_, layer) => String(layer));
    drawMap({
      rows: spans.length,
      columns: spans.length,
      widest: 64,
      tallest: 30,
      edged: true,
      value: (row, column) => spans[row][column] ?? NaN,
      colour: (loss) => palette.ramp((loss - whole) / Math.max(1e-6, worst - whole)),
      rowNames: layers.map((layer) => say("from", { layer })),
      columnNames: layers.map((layer) => say("to", { layer })),
      shortNames: layers,
      picked: at,
      hovered: null,
    });
    legend.replaceChildren(rampLegend(palette, say("no_effect", { whole: figure(whole) }), figure(worst)));
    const loss = at && spans[at[0]]?.[at[1]];
    const unit = ctx.common(`loss.unit.${scoring(view.tape).unit}`);
    const values = { step: step ?? view.tape.last, whole: figure(whole), unit };
    if (!at) readout.textContent = say("all", values);
    else if (loss === null || loss === undefined) readout.textContent = say("none");
    else {
      const kind = at[0] === at[1] ? "one" : "cell";
      readout.textContent = say(kind, { ...values, from: at[0], to: at[1], loss: figure(loss) });
    }
  };

  return (view) => {
    const losses = known.get(nameOf(view));
    compute.disabled = waiting;
    map.hidden = legend.hidden = !losses;
    readout.dataset.kind = problem ? "error" : "";
    if (losses) show(view, losses);
    else readout.textContent = waiting ? say("waiting") : problem || say("invite", { step: view.step });
  };
};

/** @type {Panel} */
export const ablation = {
  name: "ablation",
  order: 8,
  side: "right",
  tall: 130,
  needs: null,
  fits: (tape) => tape.layered,
  mount,
};
