// Small helpers for elements. Texts are always set as text, never as markup.
// @ts-check

import { clamp } from "./maths.js";

/** @import { BarCell } from "../types.js" */
/** @typedef {Record<string, any>} Properties class, text, attributes, and listeners whose names begin with "on" */
/** @typedef {Node | string | null | undefined} Child */

/**
 * An element with properties and children; a property that is null, undefined or false is left out.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export const el = (tag, properties = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
};

/**
 * A box to tick, as the browser draws it: Gradio's style takes that away from boxes that are not its own.
 *
 * @param {Properties} [properties]
 */
export const tickBox = (properties = {}) => el("input", { type: "checkbox", class: "gl-tick", ...properties });

/**
 * The first element that matches, which the page's markup is known to have.
 *
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} parent
 * @param {string} selector
 * @returns {T}
 */
export const find = (parent, selector) => {
  const element = parent.querySelector(selector);
  if (!element) throw new Error(`${selector} is not in the page`);
  return /** @type {T} */ (element);
};

/**
 * All elements that match.
 *
 * @param {ParentNode} parent
 * @param {string} selector
 * @returns {HTMLElement[]}
 */
export const findAll = (parent, selector) => [
  .../** @type {NodeListOf<HTMLElement>} */ (parent.querySelectorAll(selector)),
];

const ICONS = {
  first: "M3 3h2v10H3zM13 3v10L6 8z",
  last: "M11 3h2v10h-2zM3 3v10l7-5z",
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
};

/**
 * A small picture for a button.
 *
 * @param {keyof typeof ICONS} name
 */
export const icon = (name) => {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name]);
  picture.setAttribute("viewBox", "0 0 16 16");
  picture.setAttribute("class", "gl-icon");
  picture.setAttribute("aria-hidden", "true");
  picture.append(path);
  return picture;
};

/**
 * A button.
 *
 * @param {string} text
 * @param {(event: Event) => void} onclick
 * @param {Properties} [properties] with an `aria-label` where the text is a symbol
 */
export const button = (text, onclick, properties = {}) =>
  el("button", { type: "button", class: "gl-button", text, onclick, ...properties });

/**
 * A small button that switches something on and off.
 *
 * @param {string} text
 * @param {string} title
 * @param {boolean} pressed at first
 * @param {(pressed: boolean) => void} change called after each click
 */
export const toggleButton = (text, title, pressed, change) => {
  const made = button(
    text,
    () => {
      const now = made.getAttribute("aria-pressed") !== "true";
      made.setAttribute("aria-pressed", String(now));
      change(now);
    },
    { "aria-pressed": String(pressed), title, class: "gl-button gl-small" },
  );
  return made;
};

/** A line that says in words what a picture shows at the cursor. */
export const readoutLine = () => el("p", { class: "gl-readout", "aria-live": "polite" });

/**
 * The title of one map or chart of several in a panel.
 *
 * @param {string} [text]
 */
export const mapTitle = (text) => el("p", { class: "gl-map-title", text });

/**
 * A row of a table with a bar behind each number.
 *
 * @param {string} name
 * @param {...BarCell} cells
 */
export const barRow = (name, ...cells) => {
  const made = cells.map(({ share, text, mark, title }) => {
    const bar = el("i");
    bar.style.width = `${100 * clamp(share, 0, 1)}%`;
    const track = el("span", { class: "gl-bar-track" }, bar);
    if (mark !== undefined) {
      const line = el("b", { title });
      line.style.left = `${100 * mark}%`;
      track.append(line);
    }
    return el("td", {}, track, el("span", { class: "gl-bar-value", text }));
  });
  return el("tr", {}, el("th", { scope: "row", text: name }), ...made);
};

/**
 * The heading of such a table.
 *
 * @param {...(readonly string[])} names text and title of each column
 */
export const barHead = (...names) =>
  el("tr", {}, ...names.map(([text, title]) => el("th", { scope: "col", text, title })));
