// The mounted Watch, for other parts of the page that open a run in it.
// @ts-check

/** @import { Stage } from "../types.js" */

/** @type {Pick<Stage, "show" | "follow"> | null} */
let mounted = null;
/** @type {string | null} the run that was opened before Watch was mounted */
let wanted = null;

/** @param {Pick<Stage, "show" | "follow">} stage */
export const setMounted = (stage) => {
  mounted = stage;
  if (wanted) stage.show(wanted);
  wanted = null;
};

/**
 * Show a run, at the latest when Watch is mounted.
 *
 * @param {string} run its id
 */
export const show = async (run) => {
  if (mounted) await mounted.show(run);
  else wanted = run;
};

/** Follow the active run; nothing happens before Watch is mounted. */
export const follow = async () => mounted?.follow();
