// The answers to a question beside their pictures: with one, with none, and with another; both pictures can be chosen.
// @ts-check

import { button, el } from "../../common/dom.js";
import { pictureOf, smallCopy } from "../../common/picture.js";

/** @import { BesideReport, PanelContext } from "../../types.js" */
/** @typedef {"seen" | "other"} Chosen */

const nothing = () => {};
const SIGHTS = /** @type {const} */ (["seen", "withheld", "other"]);

/**
 * The parts of one answer: its picture, what is said, and where it can be chosen the buttons that choose it.
 *
 * @param {PanelContext["say"]} say
 * @param {(typeof SIGHTS)[number]} sight
 * @param {(picture: Blob) => void} take a picture for this place
 * @param {() => void} back to what stood there before
 */
const createSight = (say, sight, take, back) => {
  const picture = el("img", { class: "gl-said-picture", alt: say(`alt.${sight}`) });
  const blank = el("span", { class: "gl-said-picture gl-blank", text: sight === "withheld" ? "∅" : "" });
  const answer = el("strong", { dir: "auto" });
  const host = el("figure", {}, picture, blank, el("figcaption", {}, el("span", { text: say(sight) }), answer));
  const undo = button(say("back"), back, { class: "gl-button gl-small", "aria-label": say(`back.${sight}`) });
  if (sight !== "withheld") {
    const file = el("input", { type: "file", accept: "image/*", hidden: true });
    file.addEventListener("change", () => {
      if (file.files?.[0]) take(file.files[0]);
      file.value = "";
    });
    const choose = button(say("own"), () => file.click(), {
      class: "gl-button gl-small",
      "aria-label": say(`own.${sight}`),
    });
    host.append(el("div", { class: "gl-choose" }, file, choose, undo));
    host.addEventListener("dragover", (event) => {
      if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
    });
    host.addEventListener("drop", (event) => {
      event.preventDefault(); // a browser would leave the page for the file
      const dropped = pictureOf(event.dataTransfer);
      if (dropped) take(dropped);
    });
  }
  return { sight, picture, blank, answer, host, undo };
};

/**
 * All three, and the list of rows whose picture can be the other one.
 *
 * @param {PanelContext["say"]} say
 * @param {() => void} changed called when a picture was chosen
 * @param {(sentence: string) => void} refuse says why a file is no picture
 */
export const createSights = (say, changed, refuse) => {
  const chosen = { seen: "", other: "" };
  /** @param {Chosen} sight */
  const taking = (sight) => async (/** @type {Blob} */ file) => {
    const copy = await smallCopy(file);
    if (copy === null) {
      refuse(say("unreadable"));
      return;
    }
    chosen[sight] = copy;
    changed();
  };
  /** @param {Chosen} sight */
  const clear = (sight) => {
    chosen[sight] = "";
    changed();
  };
  const parts = SIGHTS.map((sight) =>
    sight === "withheld"
      ? createSight(say, sight, nothing, nothing)
      : createSight(say, sight, taking(sight), () => clear(sight)),
  );
  const rows = el("select", { class: "gl-select gl-wide", "aria-label": say("choice.other") });
  rows.addEventListener("change", () => {
    chosen.other = rows.value;
    changed();
  });
  parts[2].host.append(rows);
  const host = el("div", { class: "gl-sights" }, ...parts.map((part) => part.host));
  document.addEventListener("paste", (event) => {
    const pasted = host.offsetParent === null ? undefined : pictureOf(event.clipboardData);
    if (!pasted) return;
    event.preventDefault();
    taking(parts[2].host.matches(":hover, :focus-within") ? "other" : "seen")(pasted);
  });

  /** @param {BesideReport} of */
  const draw = (of) => {
    const sources = { seen: of.picture, withheld: "", other: of.other };
    for (const { sight, picture, blank, answer, undo } of parts) {
      const source = sources[sight];
      if (source.startsWith("data:image/")) picture.src = source;
      picture.hidden = !source;
      blank.hidden = Boolean(source);
      answer.textContent = of.answers[sight] || say("silence");
      undo.hidden = sight === "withheld" || !chosen[sight].startsWith("data:");
    }
    const names = [say("drawn"), ...of.rows.map((row, at) => `${at + 1}. ${row}`)];
    if (rows.dataset.names !== names.join("\n")) {
      rows.dataset.names = names.join("\n");
      rows.replaceChildren(...names.map((text, at) => el("option", { value: at ? String(at - 1) : "", text })));
    }
    rows.value = chosen.other.startsWith("data:") ? "" : chosen.other;
  };
  const forget = () => {
    chosen.seen = chosen.other = "";
  };
  return { host, draw, chosen, forget };
};
