// Says at once that Start was pressed: the server first loads the data, or waits for a turn.
// @ts-check

import { find } from "./dom.js";
import { openedTab } from "./navigation.js";

/** @param {Node} node */
const isToast = (node) =>
  node instanceof Element && Boolean(node.closest(".toast-body") ?? node.querySelector(".toast-body"));

/** Show the sign beside the progress line until the run is shown in Watch, or a toast says what became of it. */
export const sayStarting = () => {
  const sign = find(document, ".gl-starting");
  if (!sign.hidden) return;
  sign.hidden = false;
  const answered = new MutationObserver((changes) => {
    const toast = changes.some(({ addedNodes }) => [...addedNodes].some(isToast));
    if (!toast && openedTab() !== "watch" && sign.isConnected) return;
    answered.disconnect();
    sign.hidden = true;
  });
  answered.observe(document.body, { subtree: true, childList: true, attributeFilter: ["aria-selected"] });
};
