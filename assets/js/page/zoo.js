// The method zoo: every method as a dot, at first score against forgetting; the dot's size is its training time.
// @ts-check

import { pageScale } from "../common/canvas.js";
import { paletteOf } from "../common/colour.js";
import { el, find, findAll } from "../common/dom.js";
import { createPlot } from "../common/plotly.js";
import { soonOf } from "../common/server.js";
import { fill } from "../common/text.js";
import { zooPlot } from "./zoo_plot.js";

/** @import { Measure, Values, Words, ZooMethod, ZooServer } from "../types.js" */
/** @typedef {(key: string, values?: Values) => string} Say */

const MARKS = { prompts: "●", adapters: "■", weights: "◆", beside: "▲", other: "○" };

/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(1)} %`;

/**
 * What a score is made of: the datasets of a mean, and the span of the runs with other seeds.
 *
 * @param {ZooMethod} method
 * @param {Say} say
 */
const partsOf = ({ parts = {}, lowest = 0, highest = 0, seeds = 1 }, say) => {
  const each = Object.entries(parts).map(([dataset, share]) => `${dataset} ${percent(share)}`);
  const span = seeds > 1 ? say("seeds", { low: percent(lowest), high: percent(highest), n: seeds }) : "";
  return (each.length ? ` (${each.join(", ")})` : "") + span;
};

/**
 * What was measured of one method, in words.
 *
 * @param {ZooMethod} method
 * @param {Say} say
 */
const summary = (method, say) =>
  say(method.memory_gb === undefined ? "told" : "told.peft", {
    title: method.title,
    n: method.trainable.toLocaleString("en"),
    score: percent(method.exact_match),
    parts: partsOf(method, say),
    forgetting: method.forgetting.toFixed(3),
    seconds: Math.round(method.seconds),
    memory: method.memory_gb,
    rate: method.learning_rate,
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
  const menus = /** @type {HTMLSelectElement[]} */ (findAll(element, "[data-axis]"));
  const source = /** @type {HTMLSelectElement} */ (find(element, "[data-source]"));
  /** @type {ZooMethod[]} */
  let methods = [];
  /** @type {HTMLElement[]} */
  let names = [];
  /** @type {ZooMethod | null} */
  let picked = null;

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
    const told = await soonOf(server.card(method.name));
    if (picked === method) card.innerHTML = told ?? "";
  };
  /** @param {ZooMethod} method */
  const nameOf = (method) => {
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
  };

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
    if (!methods.length) return;
    const palette = paletteOf(element);
    const style = getComputedStyle(element);
    /** @param {string} family */
    const colour = (family) => style.getPropertyValue(`--gl-family-${family}`).trim();
    const width = host.clientWidth / pageScale();
    const [x, y] = menus.map((menu) => /** @type {Measure} */ (menu.value));
    return plot(`${source.value} ${x} ${y} ${width} ${palette.key}`, () =>
      zooPlot(methods, { x, y }, { palette, colour, width, say }),
    );
  };
  /** Show what the chosen source has; memory is offered where it was measured. */
  const load = async () => {
    const wanted = source.value;
    const told = await soonOf(server.zoo(wanted));
    if (wanted !== source.value) return;
    methods = told?.methods ?? [];
    find(element, ".gl-zoo").hidden = !methods.length;
    names = methods.map(nameOf);
    legend.replaceChildren(...names);
    picked = null;
    card.replaceChildren();
    describe(null);
    for (const caption of findAll(element, "[data-caption]")) {
      caption.hidden = (caption.dataset.caption === "peft") !== (wanted === "peft");
    }
    for (const menu of menus) {
      const memory = /** @type {HTMLOptionElement} */ (find(menu, "[value=memory_gb]"));
      memory.hidden = memory.disabled = methods.every((one) => one.memory_gb === undefined);
      if (memory.selected && memory.disabled) menu.selectedIndex = 0;
    }
    draw();
  };

  for (const menu of menus) menu.addEventListener("change", draw);
  source.addEventListener("change", load);
  new ResizeObserver(draw).observe(host);
  new MutationObserver(draw).observe(document.body, { attributeFilter: ["class"] });
  await load();
};
