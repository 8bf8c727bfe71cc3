// The progress line of Train, fed by the header's poll.
// @ts-check

import { find } from "../common/dom.js";
import { subscribeLive } from "../common/live.js";
import { openTab } from "../common/navigation.js";
import { clock, fill } from "../common/text.js";
import { follow } from "../watch/current.js";

/** @import { Live, Words } from "../types.js" */

/**
 * Mount the progress line: how far the active run is, with a button that opens Watch, which also tells what it came to
 * and what to do next.
 *
 * @param {HTMLElement} element
 * @param {Words} words
 */
export const mountProgress = (element, words) => {
  const bar = find(element, ".gl-track i");
  const line = find(element, ".gl-track-text");
  const next = find(element, ".gl-track-next");
  const frame = find(element, ".gl-progress");
  const queue = find(element, ".gl-track-queue");
  let ran = false;
  queue.addEventListener("click", () => openTab("runs"));
  next.addEventListener("click", () => {
    openTab(next.dataset.to ?? "");
    if (next.dataset.to === "watch") follow();
  });

  /**
   * @param {string} key
   * @param {Live} live
   */
  const say = (key, live) =>
    fill(words[`train.progress.${key}`], {
      step: live.step,
      steps: live.steps,
      speed: live.steps_per_s.toFixed(1),
      left: live.eta_s === null ? "…" : clock(live.eta_s),
      share: Math.round(100 * (live.warming ?? 0)),
    });

  /**
   * @param {string} text
   * @param {string} [to] the tab that the button opens
   * @param {string} [label] of the button
   */
  const show = (text, to = "", label = "") => {
    line.textContent = text;
    next.hidden = !to;
    next.dataset.to = to;
    next.textContent = label;
  };

  subscribeLive(element, (live) => {
    const active = live.status !== "idle";
    const waiting = (live.queue ?? []).filter((row) => row.place !== null).length;
    queue.hidden = !waiting;
    queue.textContent = fill(words["train.progress.queue"], { n: waiting });
    frame.dataset.state = live.status;
    const done = live.warming ?? (live.steps ? live.step / live.steps : 0);
    bar.style.width = `${active ? 100 * done : 0}%`;
    if (active) {
      ran = true;
      const working = live.warming === null ? "line" : "warming";
      const key = live.status === "running" ? (live.scoring ? "scoring" : working) : live.status;
      const line = say(key, live);
      show(live.message ? `${line} · ${live.message}` : line, "watch", words["train.progress.watch"]);
    } else if (live.message) {
      show(live.message);
    } else if (ran) {
      show("", "watch", words["train.progress.done"]);
    } else {
      show(words["train.progress.idle"]);
    }
  });
};
