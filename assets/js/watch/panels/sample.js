// What the model answers now: the same question, asked again as training goes on.
// @ts-check

import { el } from "../../common/dom.js";

/** @import { Panel } from "../../types.js" */

/**
 * One entry of the list: who speaks, and what is said.
 *
 * @param {string} key
 * @param {string} title
 */
const entry = (key, title) => {
  const name = el("dt", { text: title });
  const text = el("dd", { class: `gl-said gl-said-${key}` });
  return { row: el("div", { class: "gl-said-row" }, name, text), name, text };
};

/**
 * A text in which an answer is marked. Its places count whole characters, as Python does.
 *
 * @param {string} text
 * @param {number[]} place where the answer begins and ends; empty for none
 */
const marked = (text, [start, end]) => {
  if (start === undefined || end === undefined) return [text];
  const signs = Array.from(text);
  const answer = el("mark", { class: "gl-found", text: signs.slice(start, end).join("") });
  return [signs.slice(0, start).join(""), answer, signs.slice(end).join("")];
};

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  const question = entry("question", say("question"));
  const first = entry("base", say("now", { step: 0 }));
  const now = entry("tuned", "");
  const theirs = entry("other", "");
  const reference = entry("reference", say("reference"));
  body.append(el("dl", { class: "gl-saying" }, question.row, first.row, now.row, theirs.row, reference.row));
  /** @type {HTMLImageElement | null} */
  let picture = null;

  /** @param {string} [url] */
  const showPicture = (url) => {
    const source = url?.startsWith("data:image/") ? url : "";
    if (source === (picture?.src ?? "")) return;
    picture?.remove();
    picture = source ? el("img", { class: "gl-said-picture", alt: "", src: source }) : null;
    if (picture) question.text.before(picture);
  };

  return (view) => {
    const event = view.tape.at("sample", view.step);
    const start = view.tape.at("sample", 0);
    body.hidden = !event;
    if (!event) return;
    question.text.replaceChildren(...marked(event.prompt, event.mark ?? []));
    const found = /** @type {HTMLElement | null} */ (question.text.querySelector("mark"));
    if (found) question.text.scrollTop = found.offsetTop - question.text.offsetTop - found.offsetHeight;
    showPicture(event.picture);
    first.row.hidden = !start || event.step === 0;
    first.text.textContent = start?.answer.trim() || say("silence");
    now.name.textContent = say("now", { step: event.step });
    now.text.textContent = event.answer.trim() || say("silence");
    const other = view.other?.at("sample", view.step);
    theirs.row.hidden = !other;
    if (view.other && other) {
      theirs.name.textContent = say("other", { name: view.other.name, step: other.step });
      const asked = other.prompt === event.prompt ? [] : [el("span", { class: "gl-asked", text: other.prompt })];
      theirs.text.replaceChildren(...asked, other.answer.trim() || say("silence"));
    }
    reference.text.textContent = event.reference;
  };
};

/** @type {Panel} */
export const sample = { name: "sample", order: 4, side: "right", tall: 250, needs: null, mount };
