// The picture of a search: every run as a dot, parameters against loss; the best of each size, and what decides.
// @ts-check

import { paletteOf } from "../common/colour.js";
import { button, el, find } from "../common/dom.js";
import { openTab } from "../common/navigation.js";
import { createPlot } from "../common/plotly.js";
import { soonOf } from "../common/server.js";
import { figure, fill } from "../common/text.js";
import { follow, show } from "../watch/current.js";
import { best, searchPlot } from "./search_plot.js";

/** @import { PlotlyHost, SearchAnswer, SearchPoint, SearchServer, SearchView, Values, Words } from "../types.js" */

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
  const readout = el("p", { class: "gl-note gl-search-told" });
  const take = button(say("use"), () => view && picked !== null && use(view.id, picked));
  const open = button(say("open"), () => watch());
  const list = el("ol", { class: "gl-search-best" });
  const shares = el("ul", { class: "gl-search-shares" });
  const title = el("h4", { class: "gl-h3", text: say("best") });
  const deciding = el("div", {}, el("h4", { class: "gl-h3", text: say("importance") }), shares);
  section.append(
    el("div", { class: "gl-search-head" }, choice, state, act),
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
    if (view) receive(await server.changed({ id: view.id, act: view.state === "runs" ? "stop" : "go_on" }));
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
    if (view?.id !== answer.search?.id) picked = null;
    view = answer.search;
    const options = answer.ids.map((id) => el("option", { value: id, text: id }));
    if (choice.options.length !== options.length) choice.replaceChildren(...options);
    choice.value = view?.id ?? "";
    draw();
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
    const { points } = view;
    const palette = paletteOf(element);
    const style = getComputedStyle(element);
    /** @param {string} family */
    const colour = (family) => style.getPropertyValue(`--gl-family-${family}`).trim();
    const key = `${shown} ${picked} ${host.clientWidth} ${palette.key}`;
    plot(key, () => searchPlot(points, picked, { palette, colour, say }));
  };

  const poll = async () => {
    if (!element.isConnected) return;
    if (document.visibilityState === "visible" && find(element, "section").parentElement?.offsetParent) {
      receive(await soonOf(server.seen({ id: choice.value })));
    }
    setTimeout(poll, POLL_MS);
  };
  choice.addEventListener("change", async () => receive(await soonOf(server.seen({ id: choice.value }))));
  new ResizeObserver(drawPlot).observe(host);
  new MutationObserver(drawPlot).observe(document.body, { attributeFilter: ["class"] });
  poll();
};
