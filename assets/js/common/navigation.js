// The tabs of the page: which one is open, and how to open another.
// @ts-check

/** Name of the open tab ("train", "watch", "chat" or "runs"); undefined before Gradio has mounted its tabs. */
export const openedTab = () =>
  document.querySelector("#gl-tabs [role=tab][aria-selected=true]")?.id.replace(/^gl-tab-|-button$/g, "");

/** Mark the header's button of the open tab. */
export const markOpenedTab = () => {
  const opened = openedTab();
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".gl-header .gl-tab-link"))) {
    if (button.dataset.tab === opened) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
};

let asked = "";

/** The tab that was to be opened last, by whatever part of the page. */
export const askedTab = () => asked;

/**
 * Open a tab.
 *
 * @param {string} name "train", "watch", "chat" or "runs"
 */
export const openTab = (name) => {
  asked = name;
  document.getElementById(`gl-tab-${name}-button`)?.click();
  requestAnimationFrame(markOpenedTab);
  window.scrollTo({ top: 0 });
};
