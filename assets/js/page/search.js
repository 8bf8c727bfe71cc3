// The picture of a search: every run as a dot, parameters against loss; the best of each size, and what decides.
// @ts-check

import { paletteOf } from "../common/colour.js";
import { button, el, find } from "../common/dom.js";
import { openTab } from "../common/navigation.js";
import { createPlot } from "../common/plotly.js";
import { soonOf } from "../common/server.js";
import { figure, fill } from "../common/text.js";
import { follow, show } from "../watch/current.js";
import { best, firstAxes, searchPlot } from "./search_plot.js";

/** @import { Axes } from "./search_plot.js" */
/** @import { Objective, PlotlyHost, SearchAnswer, SearchPoint, SearchServer, SearchView, Values, Words } from "../types.js" */

const POLL_MS = 2000;

/**
 * A run of a search in words.
 *
 * @param {SearchPoint} point
 * @param {(key: string, values?: Values) => string} say
 */
export const pointText = (point, say) =>
  say(point.state === "pruned" ? "point.pruned" : "point", {
    title: point.title,
    loss: figure(point.loss),
    trainable: (point.trainable ?? 0).toLocaleString("en"),
    rate: figure(point.learning_rate, 2),
    step: point.step,
    told: point.told,
  });

/**
 * Mount the picture and keep it up to date while it is seen.
 *
 * @param {HTMLElement} element
 * @param {Words} words
 * @param {SearchServer} server
 * @param {(search: string, number: number) => void} use called with a run whose settings are wanted
 */
export const mountSearch = (element, words, server, use) => {
  /** @type {(key: string, values?: Values) => string} */
  const say = (key, values = {}) => fill(words[`search.${key}`], values);
  const section = find(element, ".gl-search");
  const choice = el("select", { "aria-label": say("choose") });
  const state = el("span", { class: "gl-search-state", role: "status" });
  const act = button("", () => change());
  const host = /** @type {PlotlyHost} */ (/** @type {unknown} */ (el("div", { class: "gl-search-plot" })));
  const across = el("select", { "aria-label": say("across") });
  const up = el("select", { "aria-label": say("up") });
  const axes = el(
    "div",
    { class: "gl-search-head" },
    el("label", { text: `${say("across")} ` }, across),
    el("label", { text: `${say("up")} ` }, up),
  );
  const readout = el("p", { class: "gl-note gl-search-told" });
  const take = button(say("use"), () => view && picked !== null && use(view.id, picked));
  const open = button(say("open"), () => watch());
  const list = el("ol", { class: "gl-search-best" });
  const shares = el("ul", { class: "gl-search-shares" });
  const title = el("h4", { class: "gl-h3", text: say("best") });
  const deciding = el("div", {}, el("h4", { class: "gl-h3", text: say("importance") }), shares);
  section.append(
    el("div", { class: "gl-search-head" }, choice, state, act),
    axes,
    host,
    readout,
    el("div", { class: "gl-search-head" }, take, open),
    title,
    list,
    deciding,
  );
  /** @type {SearchView | null} */
  let view = null;
  /** Number of the run that was clicked. @type {number | null} */
  let picked = null;
  let shown = "";

  const point = () => view?.points.find(({ number }) => number === picked) ?? null;
  const watch = async () => {
    const run = point()?.run;
    if (!run) return;
    openTab("watch");
    await show(run);
    follow();
  };
  /** @param {number} number */
  const pick = (number) => {
    picked = number;
    draw();
  };
  const plot = createPlot(
    host,
    { displayModeBar: false },
    {
      plotly_click: (event) => pick(event.points[0].customdata),
      plotly_hover: (event) => describe(view?.points.find((one) => one.number === event.points[0].customdata) ?? null),
      plotly_unhover: () => describe(point()),
    },
  );

  /** @param {SearchPoint | null} one */
  const describe = (one) => {
    readout.textContent =
      one && one.loss !== null
        ? pointText(one, say)
        : say(view?.points.some((p) => p.loss !== null) ? "hint" : "first");
  };

  const change = async () => {
    if (view) receive(await soonOf(server.changed({ id: view.id, act: view.state === "runs" ? "stop" : "go_on" })));
  };

  /** @param {SearchAnswer | undefined} answer */
  const receive = (answer) => {
    if (!answer) return;
    if (answer.error !== undefined) {
      state.textContent = answer.error;
      return;
    }
    const key = JSON.stringify(answer);
    if (key === shown) return;
    shown = key;
    const other = view?.id !== answer.search?.id;
    view = answer.search;
    if (other) {
      picked = null;
      offerAxes();
    }
    const options = answer.ids.map((id) => el("option", { value: id, text: id }));
    if (choice.options.length !== options.length) choice.replaceChildren(...options);
    choice.value = view?.id ?? "";
    draw();
  };

  /** The menus of the axes: what the search asks for, where that is more than two can show. */
  const offerAxes = () => {
    const objectives = view?.plan.objectives ?? [];
    const first = firstAxes(objectives);
    for (const [menu, chosen] of /** @type {[HTMLSelectElement, Objective][]} */ ([
      [across, first.x],
      [up, first.y],
    ])) {
      const names = [...new Set([...objectives, chosen])];
      menu.replaceChildren(...names.map((value) => el("option", { value, text: say(`objective.${value}`) })));
      menu.value = chosen;
    }
    axes.hidden = objectives.length < 3;
  };

  const draw = () => {
    section.hidden = !view;
    if (!view) return;
    const done = view.points.filter(({ state }) => state !== "trains").length;
    const minutes = (view.seconds / 60).toFixed(1);
    const failed = view.points.filter((one) => one.state === "failed").length;
    const told = say(`state.${view.state}`, { done, trials: view.plan.trials, minutes });
    state.textContent = failed ? `${told} ${say("failed", { n: failed })}` : told;
    act.hidden = view.state === "finished" || !view.drives;
    act.textContent = say(view.state === "runs" ? "stop" : "go_on");
    host.hidden = !view.points.some((one) => one.loss !== null);
    title.hidden = host.hidden;
    take.hidden = open.hidden = !point();
    describe(point());
    const rows = best(view.points).map((one) =>
      el(
        "li",
        {},
        button(pointText(one, say), () => pick(one.number), { class: "gl-link" }),
      ),
    );
    list.replaceChildren(...rows);
    const bars = view.importance.slice(0, 6).map(({ name, share }) => {
      const bar = el("i");
      bar.style.width = `${Math.round(100 * share)}%`;
      return el("li", {}, el("span", { text: name }), el("b", {}, bar), el("span", { text: share.toFixed(2) }));
    });
    shares.replaceChildren(...bars);
    deciding.hidden = !bars.length;
    drawPlot();
  };

  const drawPlot = () => {
    if (!view) return;
    const { points, plan } = view;
    const shows = /** @type {Axes} */ ({ x: across.value, y: up.value });
    const lined = plan.objectives.every((name) => name === shows.x || name === shows.y);
    const palette = paletteOf(element);
    const style = getComputedStyle(element);
    /** @param {string} family */
    const colour = (family) => style.getPropertyValue(`--gl-family-${family}`).trim();
    const key = `${shown} ${shows.x} ${shows.y} ${picked} ${host.clientWidth} ${palette.key}`;
    plot(key, () => searchPlot(points, shows, lined, picked, { palette, colour, say }));
  };

  const poll = async () => {
    if (!element.isConnected) return;
    if (document.visibilityState === "visible" && find(element, "section").parentElement?.offsetParent) {
      receive(await soonOf(server.seen({ id: choice.value })));
    }
    setTimeout(poll, POLL_MS);
  };
  choice.addEventListener("change", async () => receive(await soonOf(server.seen({ id: choice.value }))));
  for (const menu of [across, up]) menu.addEventListener("change", () => drawPlot());
  new ResizeObserver(drawPlot).observe(host);
  new MutationObserver(drawPlot).observe(document.body, { attributeFilter: ["class"] });
  poll();
};
