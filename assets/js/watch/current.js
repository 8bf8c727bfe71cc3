// The mounted Watch, for other parts of the page that open a run in it.
// @ts-check

/** @import { Stage } from "../types.js" */

/** @type {Pick<Stage, "show" | "follow"> | null} */
let mounted = null;

/** @param {Pick<Stage, "show" | "follow">} stage */
export const setMounted = (stage) => {
  mounted = stage;
};

/**
 * Show a run; nothing happens before Watch is mounted.
 *
 * @param {string} run its id
 */
export const show = async (run) => mounted?.show(run);

/** Follow the active run; nothing happens before Watch is mounted. */
export const follow = async () => mounted?.follow();
