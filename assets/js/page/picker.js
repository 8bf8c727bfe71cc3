// The menu of methods: a button, and a list in groups that opens below it. Works by mouse and by keyboard.
// @ts-check

import { pageScale } from "../common/canvas.js";
import { el, find, findAll } from "../common/dom.js";
import { clamp } from "../common/maths.js";
import { soonOf } from "../common/server.js";

/** @import { MethodFamily, MethodOption, PickerServer, PickerValue } from "../types.js" */

/** @type {Record<string, number>} */
const STEPS = { ArrowDown: 1, ArrowUp: -1 };
const OPTION = ".gl-method-option";
const TYPING_MS = 800;
const EDGE_PX = 16;
const LEAST_PX = 200;

/** @param {MethodOption} method */
const option = (method) =>
  el(
    "div",
    { class: "gl-method-option", id: `gl-method-option-${method.name}`, role: "option", "data-method": method.name },
    el("strong", { text: method.title }),
    el("span", { text: method.line }),
  );

/** @param {MethodFamily} family */
const group = (family) =>
  el(
    "div",
    { class: "gl-method-family", role: "group", "aria-label": family.title },
    el("p", { text: family.title }),
    ...family.methods.map(option),
  );

/**
 * The option that an event happened on.
 *
 * @param {Event} event
 */
const optionOf = (event) => /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(OPTION));

/**
 * Where a key moves the highlighted option; undefined if the key moves nothing.
 *
 * @param {string} key
 * @param {HTMLElement[]} options
 * @param {HTMLElement | null} active
 */
const moved = (key, options, active) => {
  const at = active ? options.indexOf(active) : -1;
  if (key in STEPS) return options[clamp(at + STEPS[key], 0, options.length - 1)];
  if (key === "Home") return options[0];
  if (key === "End") return options[options.length - 1];
  return undefined;
};

/**
 * The title that letters lead to: the next one that begins with them, or else the first with a word that does.
 *
 * @param {string} typed one letter leads from option to option, several to the one that they begin
 * @param {readonly string[]} titles
 * @param {number} at index of the highlighted one
 * @returns {number} its index; `at` if there is none
 */
export const typedTo = (typed, titles, at) => {
  const wanted = typed.toLowerCase();
  const from = typed.length > 1 ? at : at + 1;
  const order = [...titles.keys()].map((n) => (n + from) % titles.length);
  const words = (/** @type {number} */ n) => titles[n].toLowerCase().split(/[\s-]+/);
  return (
    order.find((n) => titles[n].toLowerCase().startsWith(wanted)) ??
    order.find((n) => words(n).some((word) => word.startsWith(wanted))) ??
    at
  );
};

/**
 * Remembers letters that are typed quickly one after the other.
 *
 * @returns {(letter: string) => string} what was typed so far, this letter included
 */
const typing = () => {
  let typed = "";
  let since = 0;
  return (letter) => {
    const now = performance.now();
    typed = now - since < TYPING_MS ? typed + letter : letter;
    since = now;
    return typed;
  };
};

/**
 * Keep an open list on the screen: not past its sides, and as high as there is room.
 *
 * @param {HTMLElement} list
 */
const place = (list) => {
  list.style.left = "0";
  const { left, top, width } = list.getBoundingClientRect();
  const room = document.documentElement.clientWidth - EDGE_PX;
  const scale = pageScale();
  list.style.left = `${(clamp(left, EDGE_PX, Math.max(EDGE_PX, room - width)) - left) / scale}px`;
  list.style.maxHeight = `${Math.max(LEAST_PX, window.innerHeight - top - EDGE_PX) / scale}px`;
};

/**
 * Mount the menu.
 *
 * @param {HTMLElement} element
 * @param {PickerServer} server
 * @param {PickerValue} value
 */
export const mountPicker = async (element, server, value) => {
  const button = find(element, ".gl-picker-button");
  const list = find(element, ".gl-picker-list");
  /** @type {HTMLElement[]} */
  let options = [];
  /** @type {HTMLElement | null} */
  let active = null;
  let awaited = false; // pressed before the methods came: the list opens when they do
  const letters = typing();

  const show = () => {
    const chosen = options.find((one) => one.dataset.method === value.value());
    if (chosen) button.textContent = chosen.firstChild?.textContent ?? "";
    document.body.dataset.method = value.value(); // shows its settings: see app/tabs/method_settings.py
    for (const one of options) one.setAttribute("aria-selected", String(one === chosen));
  };
  /** @param {HTMLElement | null} one */
  const point = (one) => {
    active?.classList.remove("active");
    active = one;
    active?.classList.add("active");
    active?.scrollIntoView({ block: "nearest" });
    if (active) list.setAttribute("aria-activedescendant", active.id);
  };
  /** @param {boolean} back whether the button gets the focus again */
  const close = (back) => {
    list.hidden = true;
    button.setAttribute("aria-expanded", "false");
    if (back) button.focus();
  };
  const open = () => {
    awaited = !options.length;
    if (awaited) {
      load();
      return;
    }
    list.hidden = false;
    place(list);
    button.setAttribute("aria-expanded", "true");
    point(options.find((one) => one.getAttribute("aria-selected") === "true") ?? options[0]);
    list.focus();
  };
  /** @param {HTMLElement | null} one */
  const pick = (one) => {
    close(true);
    const name = one?.dataset.method;
    if (!name || name === value.value()) return;
    value.pick(name);
    show();
  };

  button.addEventListener("click", () => (list.hidden ? open() : close(true)));
  button.addEventListener("keydown", (event) => {
    if (!(event.key in STEPS)) return;
    event.preventDefault();
    open();
  });
  list.addEventListener("click", (event) => pick(optionOf(event)));
  list.addEventListener("pointermove", (event) => point(optionOf(event) ?? active));
  /** @param {string} letter */
  const type = (letter) => {
    const titles = options.map((one) => one.firstChild?.textContent ?? "");
    point(options[typedTo(letters(letter), titles, active ? options.indexOf(active) : -1)] ?? active);
  };
  list.addEventListener("keydown", (event) => {
    const next = moved(event.key, options, active);
    if (next !== undefined) point(next);
    else if (event.key.length === 1 && event.key !== " ") type(event.key);
    else if (event.key === "Enter" || event.key === " ") pick(active);
    else if (event.key === "Escape") close(true);
    else {
      if (event.key === "Tab") close(true); // and then goes on from the button, to the next field or the one before
      return;
    }
    event.preventDefault();
  });
  list.addEventListener("focusout", (event) => {
    if (!element.contains(/** @type {Node | null} */ (event.relatedTarget))) close(false);
  });

  let asking = false;
  /** Fetch the methods; where they do not come, the next press on the button asks again. */
  const load = async () => {
    if (asking) return;
    asking = true;
    const families = await soonOf(server.families(null));
    asking = false;
    if (!families?.length) return;
    list.replaceChildren(el("div", { class: "gl-picker-columns" }, ...families.map(group)));
    options = findAll(list, OPTION);
    show();
    if (awaited && [button, document.body].includes(/** @type {HTMLElement} */ (document.activeElement))) open();
  };

  show();
  value.watch(show);
  await load();
};
