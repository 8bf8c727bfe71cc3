// Mixtures of adapters: the loss along random routes through the experts, asked for by a button.
// @ts-check

import { fitCanvas } from "../../common/canvas.js";
import { paletteOf } from "../../common/colour.js";
import { button, el } from "../../common/dom.js";
import { mean } from "../../common/maths.js";
import { answerOf } from "../../common/server.js";
import { figure } from "../../common/text.js";

/** @import { Panel, RouteLosses } from "../../types.js" */
/** @typedef {{run: string, waiting?: boolean, error?: string, losses?: RouteLosses}} Known */

const HEIGHT = 92;
const EDGE = 20;

/**
 * Draw one dot per loss: random routes, single experts, their average.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {RouteLosses} losses
 */
const drawDots = (canvas, { average, experts, random }) => {
  const width = canvas.clientWidth;
  if (!width) return;
  const palette = paletteOf(canvas);
  const context = fitCanvas(canvas, width, HEIGHT);
  const all = [average, ...experts, ...random];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  /** @param {number} loss */
  const x = (loss) => EDGE + ((width - 2 * EDGE) * (loss - low)) / Math.max(1e-9, high - low);
  /**
   * @param {number} loss
   * @param {number} y
   * @param {number} size
   * @param {string} colour
   */
  const dot = (loss, y, size, colour, alpha = 1) => {
    context.globalAlpha = alpha;
    context.fillStyle = colour;
    context.beginPath();
    context.arc(x(loss), y, size, 0, 2 * Math.PI);
    context.fill();
    context.globalAlpha = 1;
  };
  for (const loss of random) dot(loss, 18, 5, palette.base, 0.6);
  for (const loss of experts) dot(loss, 40, 4, palette.muted);
  dot(average, 60, 7, palette.tuned);
  context.font = `13px ${palette.font}`;
  context.fillStyle = palette.muted;
  context.textAlign = "left";
  context.fillText(figure(low), EDGE - 8, HEIGHT - 6);
  context.textAlign = "right";
  context.fillText(figure(high), width - EDGE + 8, HEIGHT - 6);
};

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  /** @type {Known} */
  let known = { run: "" };
  const compute = button(say("compute"), () => ask(), { class: "gl-button gl-small" });
  ctx.tools.append(compute);
  const keys = ["random", "expert", "average"].map((name) =>
    el("span", { class: `gl-key gl-dot-${name}`, text: say(name) }),
  );
  const legend = el("div", { class: "gl-keys" }, ...keys);
  const canvas = el("canvas", { class: "gl-strip", role: "img", "aria-label": say("label") });
  const readout = el("p", { class: "gl-readout", role: "status" });
  body.append(legend, canvas, readout);

  const ask = async () => {
    const { tape } = ctx.view;
    if (!tape) return;
    const { run } = tape;
    known = { run, waiting: true };
    ctx.redraw();
    const answer = await answerOf(ctx.server.ask({ query: "routes", run, last: true }));
    if (!answer) known = { run, error: ctx.common("gone") };
    else if (answer.error !== undefined) known = { run, error: answer.error };
    else known = { run, losses: answer };
    ctx.redraw();
  };

  return (view) => {
    /** @type {Known} */
    const { waiting, error, losses } = known.run === view.tape.run ? known : { run: "" };
    compute.disabled = Boolean(known.waiting);
    canvas.hidden = legend.hidden = !losses;
    readout.dataset.kind = error ? "error" : "";
    readout.textContent = waiting ? say("waiting") : (error ?? say("invite"));
    if (!losses) return;
    drawDots(canvas, losses);
    readout.textContent = say("told", {
      average: figure(losses.average),
      random: figure(mean(losses.random)),
      best: figure(Math.min(...losses.experts)),
      n: losses.random.length,
    });
  };
};

/** @type {Panel} */
export const routes = { name: "routes", order: 7, side: "right", tall: 140, needs: "experts", mount };
