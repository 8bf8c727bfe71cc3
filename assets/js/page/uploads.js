// Says why an upload was not taken: Gradio's buttons and fields for files keep that to themselves.
// @ts-check

import { el } from "../common/dom.js";

/** @import { Words } from "../types.js" */

const SHOWN_MS = 15_000;
const UPLOAD = /\/gradio_api\/upload(\?|$)/;
const REASONS = new Map([
  [413, "frame.upload.much"],
  [507, "frame.upload.full"],
]);

/**
 * The key of the sentence about a request that has ended; empty where there is nothing to say.
 *
 * @param {{name: string, responseStatus?: number}} request with 0 for one that nobody answered
 */
export const refusal = ({ name, responseStatus }) => {
  if (!UPLOAD.test(name) || responseStatus === undefined || responseStatus === 200) return "";
  return REASONS.get(responseStatus) ?? "frame.upload";
};

/** @param {string} text */
const say = (text) => {
  const said = el("div", { class: "gl-refused", role: "alert", text });
  said.addEventListener("click", () => said.remove());
  setTimeout(() => said.remove(), SHOWN_MS);
  document.body.append(said);
};

/**
 * Listen to what becomes of uploads.
 *
 * @param {Words} words
 */
export const mountUploads = (words) => {
  new PerformanceObserver((ended) => {
    for (const request of ended.getEntries()) {
      const text = words[refusal(/** @type {PerformanceResourceTiming} */ (request))];
      if (text) say(text);
    }
  }).observe({ type: "resource" });
};
