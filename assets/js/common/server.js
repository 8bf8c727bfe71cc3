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
