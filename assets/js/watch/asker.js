// Questions that the server answers while one moves through a run: how a sentence or a picture uses what was trained.
window.Gatelight = window.Gatelight || {};

(() => {
  const WAIT_MS = 250;
  const PACE_MS = 1200;
  const KEPT = 200;

  /** Asks the server no more often than is useful, and remembers the answers.
   *
   * @param state where it is said what went wrong
   * @param heard called with an answer about the run that is asked about now
   * @returns ask(question, moving): while steps pass by, questions come more seldom
   */
  Gatelight.asker = (ctx, state, heard) => {
    const known = new Map();
    let wanted = "";
    let timer = 0;
    let asked = 0;

    const hear = (answer, question) => {
      if (question.run !== next.run) return;
      if (!answer.error) return heard(answer);
      state.textContent = answer.error;
      state.dataset.kind = "error";
    };
    const ask = async (key, question) => {
      asked = performance.now();
      timer = 0;
      const answer = await ctx.server.probe(question).catch(() => undefined);
      if (known.size > KEPT) known.clear();
      if (answer && !answer.error && !question.last) known.set(key, answer);
      hear(answer ?? { error: ctx.common("asks.gone") }, question);
      if (wanted && wanted !== key && !timer) timer = setTimeout(later, WAIT_MS);
    };
    let next = null;
    const later = () => ask(wanted, next);

    return (question, moving) => {
      const key = JSON.stringify(question);
      if (key === wanted) return;
      wanted = key;
      next = question;
      if (known.has(key)) return hear(known.get(key), question);
      const rest = moving ? Math.max(0, PACE_MS - (performance.now() - asked)) : WAIT_MS;
      if (timer && !moving) clearTimeout(timer);
      if (!timer || !moving) timer = setTimeout(later, rest);
    };
  };
})();
