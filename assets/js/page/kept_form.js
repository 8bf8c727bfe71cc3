// Train's form as it was before the page was loaded anew: kept in this tab of the browser, and nowhere else.
// @ts-check

const KEPT_FORM = "gatelight.form";

/** @returns {string} */
const read = () => {
  try {
    return sessionStorage.getItem(KEPT_FORM) ?? "";
  } catch {
    return ""; // a browser that keeps nothing
  }
};

const before = read();
let restored = !before;

/** The form that this tab had before, as the server wrote it; empty without one. */
export const formerForm = () => before;

/** From now on the form on the page is the one to keep. */
export const formRestored = () => {
  restored = true;
};

/**
 * Keep a form. One that is to be brought back first stays until it is.
 *
 * @param {string} text nothing happens when it is empty
 */
export const keepForm = (text) => {
  if (!text || !restored) return;
  try {
    sessionStorage.setItem(KEPT_FORM, text);
  } catch {
    // a browser that keeps nothing
  }
};
