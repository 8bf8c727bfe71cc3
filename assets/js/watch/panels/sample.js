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

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  const question = entry("question", say("question"));
  const first = entry("base", say("now", { step: 0 }));
  const now = entry("tuned", "");
  const reference = entry("reference", say("reference"));
  body.append(el("dl", { class: "gl-saying" }, question.row, first.row, now.row, reference.row));
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
    question.text.textContent = event.prompt;
    showPicture(event.picture);
    first.row.hidden = !start || event.step === 0;
    first.text.textContent = start?.answer.trim() || say("silence");
    now.name.textContent = say("now", { step: event.step });
    now.text.textContent = event.answer.trim() || say("silence");
    reference.text.textContent = event.reference;
  };
};

/** @type {Panel} */
export const sample = { name: "sample", order: 4, side: "right", needs: null, mount };
