// The queue of runs: which are next and when, moved by drag or by arrows, or taken out.
// @ts-check

import { button, el, find } from "../common/dom.js";
import { subscribeLive } from "../common/live.js";
import { soonOf } from "../common/server.js";
import { clock, fill } from "../common/text.js";

/** @import { Queued, QueueServer, Words } from "../types.js" */

/**
 * When a run begins, or why it does not.
 *
 * @param {Queued} row
 * @param {Words} words
 */
export const whenOf = (row, words) => {
  if (row.state === "failed") return fill(words["queue.failed"], { message: row.message });
  if (row.state === "begun") return words["queue.now"];
  if (row.begins_s) return fill(words["queue.in"], { left: clock(row.begins_s) });
  if (!row.place) return words["queue.next"];
  return fill(words["queue.after"], { n: row.place });
};

/**
 * What a run is, in a few words.
 *
 * @param {Queued} row
 * @param {Words} words
 */
export const aboutOf = (row, words) => {
  const steps = fill(words[row.until ? "queue.until" : "queue.steps"], { n: row.steps, until: row.until });
  return row.owner ? `${steps} · ${fill(words["queue.owner"], { owner: row.owner })}` : steps;
};

/**
 * Mount the list; it is hidden while it is empty.
 *
 * @param {HTMLElement} element
 * @param {Words} words
 * @param {QueueServer} server
 */
export const mountQueue = (element, words, server) => {
  const section = find(element, ".gl-queue");
  const list = el("ol", { class: "gl-queue-list" });
  const told = el("p", { class: "gl-note", "aria-live": "polite" });
  const title = el("h3", { class: "gl-h3", text: words["queue.title"] });
  section.append(title, el("p", { class: "gl-note", text: words["queue.hint"] }), list, told);
  /** @type {Queued[]} */
  let rows = [];
  let drawn = "";
  /** @type {string | null} the run that is dragged */
  let dragged = null;

  /**
   * @param {Queued} row
   * @param {number | null} place
   */
  const change = async (row, place) => {
    const answer = await soonOf(server.changed({ run: row.run, place }));
    if (!answer) return;
    const where = place === null ? "" : fill(words["queue.moved"], { name: row.name, place: place + 1 });
    told.textContent = answer.error ?? where;
    if (answer.error === undefined) draw(answer.queue);
  };

  /**
   * @param {Queued} row
   * @param {string} text
   * @param {"up" | "down" | "remove"} does
   * @param {boolean} may
   * @param {number | null} place
   */
  const act = (row, text, does, may, place) =>
    button(text, () => change(row, place), {
      class: "gl-button gl-small",
      "data-does": does,
      "aria-label": fill(words[`queue.${does}`], { name: row.name }),
      title: fill(words[`queue.${does}`], { name: row.name }),
      disabled: !may,
    });

  /** @param {Queued} row */
  const makeRow = (row) => {
    const place = row.place ?? 0;
    const made = el(
      "li",
      { "data-queued": row.run, "data-state": row.state, draggable: String(row.up || row.down) },
      el("span", { class: "gl-queue-name", text: row.name }),
      el("span", { class: "gl-queue-about", text: aboutOf(row, words) }),
      el("span", { class: "gl-queue-when" }),
      act(row, "↑", "up", row.up, place - 1),
      act(row, "↓", "down", row.down, place + 1),
      act(row, "✕", "remove", row.removable, null),
    );
    made.addEventListener("dragstart", () => (dragged = row.run));
    made.addEventListener("dragend", () => (dragged = null));
    made.addEventListener("dragover", (event) => {
      if (dragged !== null && row.place !== null) event.preventDefault();
    });
    made.addEventListener("drop", (event) => {
      event.preventDefault();
      const moved = rows.find((one) => one.run === dragged);
      if (moved && row.place !== null && moved.run !== row.run) change(moved, row.place);
    });
    return made;
  };

  /** @param {Queued[]} queue */
  const draw = (queue) => {
    rows = queue;
    section.hidden = !queue.length;
    const now = JSON.stringify(queue.map((row) => ({ ...row, begins_s: null })));
    if (now !== drawn && dragged === null) {
      drawn = now;
      const held = /** @type {HTMLElement | null} */ (document.activeElement?.closest("[data-does]"));
      const run = held?.closest("[data-queued]")?.getAttribute("data-queued");
      list.replaceChildren(...queue.map(makeRow));
      if (run && held) keepFocus(run, held.dataset.does ?? "");
    }
    for (const node of list.children) {
      const row = queue.find((one) => one.run === node.getAttribute("data-queued"));
      if (row) find(node, ".gl-queue-when").textContent = whenOf(row, words);
    }
  };

  /**
   * The key that was pressed last stays in reach, also where its row is at an end now.
   *
   * @param {string} run
   * @param {string} does
   */
  const keepFocus = (run, does) => {
    const row = [...list.children].find((node) => node.getAttribute("data-queued") === run);
    const buttons = row?.querySelectorAll(`[data-does="${does}"]:not([disabled]), [data-does]:not([disabled])`) ?? [];
    const same = [...buttons].find((node) => node.getAttribute("data-does") === does);
    /** @type {HTMLElement | undefined} */ (same ?? buttons[0])?.focus();
  };

  subscribeLive(element, (live) => draw(live.queue ?? []));
};
