// What the server is doing right now, as last told to the header; other parts of the page listen here.
// @ts-check

/** @import { Live } from "../types.js" */

const EVENT = "gatelight:live";

/** @type {Live | null} */
let latest = null;

const PER_PAGE_MS = 100;
const MOST_MS = 5000;
const LATE_MS = 15_000;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let watch;

/** The newest state that the server told, null before its first answer. */
export const latestLive = () => latest;

/**
 * How long to wait before the server is asked once more: longer, the more pages are open, so that training goes on.
 *
 * @param {number} least in milliseconds
 */
export const paced = (least) => Math.max(least, Math.min(PER_PAGE_MS * (latest?.pages ?? 1), MOST_MS));

/** @param {Live} live */
const tell = (live) => document.dispatchEvent(new CustomEvent(EVENT, { detail: live }));

/**
 * Tell every listener that work is "gone" when no newer state of it comes in time: the server is suspended or ended.
 * While the page is hidden nobody asks the server, so that nothing is late.
 *
 * @param {number} limit in milliseconds
 */
const expect = (limit) => {
  clearTimeout(watch);
  if (!latest || latest.status === "idle") return;
  watch = setTimeout(() => {
    if (document.visibilityState === "hidden") expect(limit);
    else if (latest) tell({ ...latest, status: "gone" });
  }, limit);
};

/**
 * Keep a new state and tell every listener.
 *
 * @param {Live} live
 * @param {number} [limit] milliseconds within which the next one has to come
 */
export const publishLive = (live, limit = LATE_MS) => {
  latest = live;
  expect(limit);
  tell(live);
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
