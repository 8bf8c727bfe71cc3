// The help of a setting stands behind a "?" beside its label, where Gradio writes it below the label.
// @ts-check

import { button } from "../common/dom.js";
import { fill } from "../common/text.js";

const HELP = ".gl-setting .info-text:not([role])";
let made = 0;

/**
 * @param {HTMLElement} text the help of one setting
 * @param {string} named how a button says what it explains
 */
const putBehindIcon = (text, named) => {
  const setting = text.closest(".gl-setting");
  const label = setting?.querySelector("[data-testid=block-info], .label-text")?.textContent?.trim() ?? "";
  made += 1;
  text.id = `gl-help-${made}`;
  text.setAttribute("role", "tooltip");
  const icon = button("", () => undefined, { class: "gl-help", "aria-describedby": text.id });
  icon.setAttribute("aria-label", fill(named, { label }));
  for (const left of ["blur", "mouseleave"]) icon.addEventListener(left, () => icon.removeAttribute("data-closed"));
  setting?.querySelector("input, textarea")?.setAttribute("aria-describedby", text.id);
  text.before(icon);
};

/**
 * Put the help of all settings behind icons, now and whenever fields arrive: Gradio mounts them when their fold opens.
 * Escape closes what is open.
 *
 * @param {string} named how a button says what it explains, with {label}
 */
export const mountHelp = (named) => {
  let asked = false;
  const look = () => {
    asked = false;
    for (const text of document.querySelectorAll(HELP)) putBehindIcon(/** @type {HTMLElement} */ (text), named);
  };
  const soon = () => {
    if (!asked) requestAnimationFrame(look);
    asked = true;
  };
  new MutationObserver(soon).observe(document.body, { childList: true, subtree: true });
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    for (const icon of document.querySelectorAll(".gl-help:is(:hover, :focus)")) icon.setAttribute("data-closed", "");
  });
  look();
};
