// What the server is doing right now, as last told to the header; other parts of the page listen here.
// @ts-check

/** @import { Live } from "../types.js" */

const EVENT = "gatelight:live";

/** @type {Live | null} */
let latest = null;

/** The newest state, null before the first answer of the server. */
export const latestLive = () => latest;

/**
 * Keep a new state and tell every listener.
 *
 * @param {Live} live
 */
export const publishLive = (live) => {
  latest = live;
  document.dispatchEvent(new CustomEvent(EVENT, { detail: live }));
};

/**
 * Call `draw` now, if a state is known, and on each new one, until the element has left the page.
 *
 * @param {Element} element
 * @param {(live: Live) => void} draw
 */
export const subscribeLive = (element, draw) => {
  /** @param {Event} event */
  const listen = (event) => {
    if (element.isConnected) draw(/** @type {CustomEvent<Live>} */ (event).detail);
    else document.removeEventListener(EVENT, listen);
  };
  document.addEventListener(EVENT, listen);
  if (latest) draw(latest);
};
