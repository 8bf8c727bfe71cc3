// The line of memory on Train opens. It is drawn anew with every setting, and stays open or closed as it was left.
// @ts-check

/**
 * Keep the line as somebody left it.
 *
 * @param {HTMLElement} element
 */
export const mountMemory = (element) => {
  let open = false;
  const note = (/** @type {Event} */ { target }) => {
    if (target instanceof HTMLDetailsElement && target.isConnected) open = target.open;
  };
  element.addEventListener("toggle", note, true);
  const restore = () => {
    const details = element.querySelector("details");
    if (details && details.open !== open) details.open = open;
  };
  new MutationObserver(restore).observe(element, { childList: true, subtree: true });
};
