// Which learning rate? The curves of a ladder's rates side by side, while they train and afterwards.
// @ts-check

import { paletteOf } from "../common/colour.js";
import { button, el, find } from "../common/dom.js";
import { subscribeLive } from "../common/live.js";
import { createPlot } from "../common/plotly.js";
import { soonOf } from "../common/server.js";
import { figure, fill, signed } from "../common/text.js";
import { ladderPlot, rateText } from "./ladder_plot.js";

/** @import { Climbed, Ladder, LadderServer, Words } from "../types.js" */

const CLOSED = "gatelight.ladder.closed";

/**
 * How far a ladder is, in a sentence.
 *
 * @param {Ladder} ladder
 * @param {Words} words
 */
export const toldOf = (ladder, words) => {
  const values = { rate: rateText(ladder.best ?? 0), usual: rateText(ladder.usual), method: ladder.title };
  if (ladder.state === "finished") {
    const same = Math.abs((ladder.best ?? 0) / ladder.usual - 1) < 0.05;
    return fill(words[same ? "ladder.best.usual" : "ladder.best"], values);
  }
  if (ladder.state !== "running") return words[`ladder.${ladder.state}`];
  const left = ladder.rates.filter((one) => one.state !== "out").length;
  const began = ladder.rates.some((one) => one.step > 0 || one.state === "running");
  return fill(words[began ? "ladder.running" : "ladder.waiting"], { n: left, of: ladder.rates.length });
};

/**
 * How much of plain text a rate has made the model forget.
 *
 * @param {Pick<Climbed, "forgetting">} rate
 * @param {Words} words
 */
export const forgotten = ({ forgetting }, words) =>
  forgetting === null ? "" : fill(words["ladder.forgets"], { value: signed(forgetting) });

/**
 * Mount the picture; it is hidden while there is no ladder.
 *
 * @param {HTMLElement} element
 * @param {Words} words
 * @param {LadderServer} server
 * @param {(tag: string, asked: boolean) => void} use called when a rate is found, and when somebody wants it
 */
export const mountLadder = (element, words, server, use) => {
  const section = find(element, ".gl-ladder");
  const told = el("p", { class: "gl-ladder-told", "aria-live": "polite" });
  const host = /** @type {import("../types.js").PlotlyHost} */ (
    /** @type {HTMLElement} */ (
      el("div", { class: "gl-ladder-plot", role: "img", "aria-label": words["ladder.title"] })
    )
  );
  const rates = el("ul", { class: "gl-ladder-rates" });
  /** @type {Ladder | null} */
  let ladder = null;
  let asking = false;
  let seen = "";
  const stop = button(words["ladder.stop"], async () => {
    if (!ladder) return;
    const answer = await soonOf(server.ended(ladder.tag));
    if (answer?.error) told.textContent = answer.error;
    await refresh();
  });
  const take = button(words["ladder.use"], () => ladder && use(ladder.tag, true));
  const close = button("✕", () => {
    localStorage.setItem(CLOSED, ladder?.tag ?? "");
    show();
  });
  close.setAttribute("aria-label", words["ladder.close"]);
  const head = el(
    "header",
    {},
    el("h3", { class: "gl-h3", text: words["ladder.title"] }),
    el("div", {}, stop, take, close),
  );
  section.append(head, told, host, rates, el("p", { class: "gl-fact", text: words["ladder.caption"] }));
  const plot = createPlot(host, { displayModeBar: false }, {});

  const draw = () => {
    if (!ladder || section.hidden) return;
    const shown = ladder;
    const palette = paletteOf(element);
    const points = shown.rates.map((one) => `${one.state}${one.losses.length}`).join(" ");
    plot(`${shown.tag} ${points} ${host.clientWidth} ${palette.key}`, () => ladderPlot(shown, palette, words));
  };

  const show = () => {
    section.hidden = !ladder?.tag || localStorage.getItem(CLOSED) === ladder.tag;
    if (!ladder || section.hidden) return;
    stop.hidden = ladder.state !== "running";
    take.hidden = ladder.best === null;
    close.hidden = ladder.state === "running";
    told.textContent = toldOf(ladder, words);
    rates.replaceChildren(
      ...ladder.rates.map((one) =>
        el(
          "li",
          { "data-state": one.state },
          el("b", { text: rateText(one.rate) }),
          el("span", { text: fill(words[`ladder.state.${one.state}`], { step: one.step }) }),
          el("span", { text: one.losses.length ? figure(one.losses[one.losses.length - 1][1]) : "–" }),
          el("span", { text: forgotten(one, words) }),
        ),
      ),
    );
    draw();
  };

  const refresh = async () => {
    if (asking) return;
    asking = true;
    const former = ladder;
    const answer = await soonOf(server.ladder(null));
    asking = false;
    if (!answer) return;
    ladder = answer.tag ? /** @type {Ladder} */ (answer) : null;
    show();
    const found = former?.state === "running" && ladder?.state === "finished" && former.tag === ladder.tag;
    if (found && ladder) use(ladder.tag, false);
  };

  new ResizeObserver(draw).observe(host);
  new MutationObserver(draw).observe(document.body, { attributeFilter: ["class"] });
  subscribeLive(element, (live) => {
    const now = `${live.status} ${live.run} ${live.step} ${(live.queue ?? []).length}`;
    if (now === seen) return;
    seen = now;
    refresh();
  });
};
