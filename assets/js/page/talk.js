// The conversation: copies an answer, gives a question back to be edited, and keeps the newest turn in sight.
// @ts-check

import { copyText } from "../common/clipboard.js";
import { findAll } from "../common/dom.js";

const SAID_MS = 1500;
const NEAR_PX = 48; // who is this near to a place stays there

/** @param {HTMLElement} button */
const copyAnswer = async (button) => {
  await copyText(button.closest(".gl-answer")?.querySelector(".gl-text")?.textContent ?? "");
  const said = button.textContent;
  button.textContent = button.dataset.copied ?? "";
  setTimeout(() => {
    button.textContent = said;
  }, SAID_MS);
};

/**
 * What scrolls: the element itself, or what Gradio puts around it.
 *
 * @param {HTMLElement} element
 */
const scrollerOf = (element) => {
  /** @type {HTMLElement | null} */
  let each = element;
  while (each && !["auto", "scroll"].includes(getComputedStyle(each).overflowY)) each = each.parentElement;
  return each ?? element;
};

/**
 * Show the newest turn from its question on when it is added, and while it grows as long as nobody has scrolled away.
 * Who scrolls to the end stays at the end.
 *
 * @param {HTMLElement} element
 */
const followNewest = (element) => {
  let turns = findAll(element, ".gl-turn").length;
  /** @type {"question" | "end" | ""} */
  let follows = "question";
  const scroller = scrollerOf(element);
  const end = () => scroller.scrollHeight - scroller.clientHeight;
  const question = () => {
    const all = findAll(element, ".gl-turn");
    return Math.min(end(), (all.at(-1)?.offsetTop ?? 0) - (all[0]?.offsetTop ?? 0));
  };
  scroller.addEventListener("scroll", () => {
    const near = (/** @type {number} */ place) => Math.abs(scroller.scrollTop - place) < NEAR_PX;
    if (near(question())) follows = "question";
    else follows = near(end()) ? "end" : "";
  });
  new MutationObserver(() => {
    const now = findAll(element, ".gl-turn").length;
    if (now !== turns) follows = "question";
    if (now > turns) element.scrollIntoView({ block: "nearest" });
    turns = now;
    if (follows) scroller.scrollTop = follows === "end" ? end() : question();
  }).observe(element, { childList: true, subtree: true, characterData: true });
};

/**
 * Answer clicks in the conversation.
 *
 * @param {HTMLElement} element
 * @param {(turn: number) => void} edit called with the number of the question
 */
export const mountTalk = (element, edit) => {
  element.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (button?.hasAttribute("data-copy")) copyAnswer(button);
    const turn = button?.dataset.edit;
    if (turn === undefined) return;
    edit(Number(turn));
    /** @type {HTMLElement | null} */ (document.querySelector("#gl-prompt textarea"))?.focus();
  });
  followNewest(element);
};
