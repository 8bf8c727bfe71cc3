// Asks the server, while the cursor moves through a run, how a sentence or a picture uses what was trained.
// @ts-check

import { answerOf } from "../common/server.js";

/** @import { PanelContext, Question, Report } from "../types.js" */

const WAIT_MS = 250;
const PACE_MS = 1200;
const KEPT = 200;

/**
 * Asks the server no more often than is useful, and remembers the answers.
 *
 * @param {PanelContext} ctx
 * @param {HTMLElement} state the line that says what went wrong
 * @param {(report: Report) => void} receive called with an answer about the run that is asked about now
 * @returns {((question: Question, moving: boolean) => void) & {tell: (text: string) => void}} ask; while the cursor moves,
 *   questions are sent less often. `tell` fills the line, unless the newest answer is an error: that stays until
 *   something else is asked, however often the panel is drawn.
 */
export const createAsker = (ctx, state, receive) => {
  /** @type {Map<string, Report>} */
  const known = new Map();
  /** @type {Question | null} */
  let next = null;
  let wanted = "";
  let timer = 0;
  let asked = 0;
  let failed = "";

  /** @param {string} text */
  const tell = (text) => {
    state.dataset.kind = failed ? "error" : "";
    state.textContent = failed || text;
  };

  /**
   * @param {import("../types.js").Answer<Report>} answer
   * @param {Question} question
   */
  const hear = (answer, question) => {
    if (question.run !== next?.run) return;
    if (answer.error === undefined) {
      failed = "";
      receive(answer);
    } else if (JSON.stringify(question) === wanted) {
      failed = answer.error;
      tell("");
    }
  };
  /**
   * @param {string} key
   * @param {Question} question
   */
  const ask = async (key, question) => {
    asked = performance.now();
    timer = 0;
    const answer = await answerOf(ctx.server.ask(question));
    if (known.size > KEPT) known.clear();
    if (answer && answer.error === undefined && !question.last) known.set(key, answer);
    hear(answer ?? { error: ctx.common("asks.gone") }, question);
    if (wanted && wanted !== key && !timer) timer = setTimeout(later, WAIT_MS);
  };
  const later = () => {
    if (next) ask(wanted, next);
  };

  /**
   * @param {Question} question
   * @param {boolean} moving
   */
  const about = (question, moving) => {
    const key = JSON.stringify(question);
    if (key === wanted) return;
    wanted = key;
    next = question;
    failed = "";
    const answer = known.get(key);
    if (answer) {
      hear(answer, question);
      return;
    }
    const rest = moving ? Math.max(0, PACE_MS - (performance.now() - asked)) : WAIT_MS;
    if (timer && !moving) clearTimeout(timer);
    if (!timer || !moving) timer = setTimeout(later, rest);
  };
  return Object.assign(about, { tell });
};
