// Calls of the Python functions that a component hands to the browser.
// @ts-check

/**
 * The answer, or undefined when the server cannot be reached.
 *
 * @template T
 * @param {Promise<T>} promise
 * @returns {Promise<T | undefined>}
 */
export const answerOf = (promise) => promise.catch(() => undefined);

const SOON_MS = 10_000;

/**
 * The same for what takes no time: also undefined where no answer comes within ten seconds, as from a server that is
 * suspended. An answer that comes later is dropped.
 *
 * @template T
 * @param {Promise<T>} promise
 * @param {number} [limit] in milliseconds
 * @returns {Promise<T | undefined>}
 */
export const soonOf = (promise, limit = SOON_MS) => {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  /** @type {Promise<undefined>} */
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, limit);
  });
  return Promise.race([answerOf(promise), late]).finally(() => clearTimeout(timer));
};
