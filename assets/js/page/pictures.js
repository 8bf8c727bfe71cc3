// Pictures that are dropped or pasted anywhere in Chat become the one that is asked about.
// @ts-check

import { find } from "../common/dom.js";
import { pictureOf } from "../common/picture.js";

const FIELDS = "#gl-chat-beside, #gl-chat-picture";
const SAID_MS = 8000;

/** @param {Element} element */
const shown = (element) => element instanceof HTMLElement && element.offsetParent !== null;

/**
 * The input of a field for one file. A field that holds one has no input: that file is taken out first.
 *
 * @param {Element} field
 * @returns {Promise<HTMLInputElement>}
 */
const inputOf = (field) =>
  new Promise((resolve) => {
    const present = () => /** @type {HTMLInputElement | null} */ (field.querySelector("input[type=file]"));
    const ready = present();
    if (ready) {
      resolve(ready);
      return;
    }
    const observer = new MutationObserver(() => {
      const input = present();
      if (!input) return;
      observer.disconnect();
      resolve(input);
    });
    observer.observe(field, { childList: true, subtree: true });
    /** @type {HTMLButtonElement | null} */ (field.querySelector("button[aria-label]"))?.click();
  });

/**
 * Hand a picture to the field that is shown; returns whether there is one.
 *
 * @param {File} picture
 */
const give = (picture) => {
  const field = [...document.querySelectorAll(FIELDS)].find(shown);
  if (!field) return false;
  const held = new DataTransfer();
  held.items.add(picture);
  inputOf(field).then((input) => {
    input.files = held.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  return true;
};

/**
 * Take pictures as long as the element's tab is shown.
 *
 * @param {HTMLElement} element holds the line that says that no column sees pictures
 */
export const takePictures = (element) => {
  const line = find(element, "[role=status]");
  const tab = /** @type {HTMLElement} */ (element.closest("[role=tabpanel]"));
  let timer = 0;
  /** @param {File} picture */
  const take = (picture) => {
    const taken = give(picture);
    line.hidden = taken;
    clearTimeout(timer);
    timer = setTimeout(() => Object.assign(line, { hidden: true }), SAID_MS);
  };
  document.addEventListener("paste", (event) => {
    const picture = shown(tab) ? pictureOf(event.clipboardData) : undefined;
    if (!picture) return;
    event.preventDefault();
    take(picture);
  });
  tab.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  tab.addEventListener(
    "drop",
    (event) => {
      const picture = pictureOf(event.dataTransfer);
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault(); // a browser would leave the page for the file
      event.stopPropagation(); // else a field takes it once more
      if (picture) take(picture);
    },
    true,
  );
};
