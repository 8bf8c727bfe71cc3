// The method zoo: every method as a dot, what it trains against what it reaches; the dot's size is its training time.
// @ts-check

import { paletteOf } from "../common/colour.js";
import { el, find, findAll } from "../common/dom.js";
import { createPlot } from "../common/plotly.js";
import { answerOf } from "../common/server.js";
import { fill } from "../common/text.js";
import { zooPlot } from "./zoo_plot.js";

/** @import { Measure, Values, Words, ZooMethod, ZooServer } from "../types.js" */
/** @typedef {(key: string, values?: Values) => string} Say */

const MARKS = { prompts: "●", adapters: "■", weights: "◆", beside: "▲" };

/**
 * What was measured of one method, in words.
 *
 * @param {ZooMethod} method
 * @param {Say} say
 */
const summary = (method, say) =>
  say("told", {
    title: method.title,
    n: method.trainable.toLocaleString("en"),
    score: `${(100 * method.exact_match).toFixed(1)} %`,
    forgetting: method.forgetting.toFixed(3),
    seconds: Math.round(method.seconds),
    speed: method.tokens_per_s.toLocaleString("en"),
    size: Math.round(method.file_bytes / 1000).toLocaleString("en"),
  });

/**
 * Mount the zoo and keep it drawn.
 *
 * @param {HTMLElement} element
 * @param {Words} words
 * @param {ZooServer} server
 */
export const mountZoo = async (element, words, server) => {
  /** @type {Say} */
  const say = (key, values = {}) => fill(words[`runs.zoo.${key}`], values);
  const host = /** @type {import("../types.js").PlotlyHost} */ (find(element, ".gl-zoo-plot"));
  const legend = find(element, ".gl-zoo-names");
  const card = find(element, ".gl-zoo-card");
  const readout = find(element, ".gl-zoo-readout");
  const switches = findAll(element, "[data-measure]");
  /** @type {Measure} */
  let measure = "exact_match";
  /** @type {ZooMethod | null} */
  let picked = null;

  const measured = await answerOf(server.zoo(null));
  if (!measured?.methods?.length) {
    find(element, ".gl-zoo").hidden = true;
    return;
  }
  const { methods } = measured;

  /** @param {ZooMethod | null} method */
  const describe = (method) => {
    readout.textContent = method ? summary(method, say) : say("hint");
  };
  /** @param {ZooMethod} method */
  const pick = async (method) => {
    picked = method;
    describe(method);
    names.forEach((name, i) => {
      name.setAttribute("aria-pressed", String(methods[i] === picked));
    });
    card.innerHTML = (await server.card(method.name).catch(() => "")) ?? "";
  };

  const names = methods.map((method) => {
    const name = el("button", {
      type: "button",
      class: "gl-zoo-name",
      text: `${MARKS[method.family]} ${method.title}`,
      onclick: () => pick(method),
      onpointerenter: () => describe(method),
      onpointerleave: () => describe(picked),
    });
    name.style.setProperty("--gl-mine", `var(--gl-family-${method.family})`);
    return name;
  });
  legend.replaceChildren(...names);
  describe(null);

  const plot = createPlot(
    host,
    { displayModeBar: false },
    {
      plotly_hover: (event) => describe(methods[event.points[0].pointNumber]),
      plotly_unhover: () => describe(picked),
      plotly_click: (event) => pick(methods[event.points[0].pointNumber]),
    },
  );

  const draw = () => {
    const palette = paletteOf(element);
    const style = getComputedStyle(element);
    /** @param {string} family */
    const colour = (family) => style.getPropertyValue(`--gl-family-${family}`).trim();
    const width = host.clientWidth;
    return plot(`${measure} ${width} ${palette.key}`, () => zooPlot(methods, measure, { palette, colour, width, say }));
  };

  for (const button of switches) {
    button.addEventListener("click", () => {
      measure = /** @type {Measure} */ (button.dataset.measure);
      for (const one of switches) one.setAttribute("aria-pressed", String(one === button));
      draw();
    });
  }
  new ResizeObserver(draw).observe(host);
  new MutationObserver(draw).observe(document.body, { attributeFilter: ["class"] });
  draw();
};
