// What moved in this step: gradient and update of each group of parameters.
// @ts-check

import { barHead, barRow, el } from "../../common/dom.js";
import { figure } from "../../common/text.js";

/** @import { MovedEvent } from "../../event_types.js" */
/** @import { Panel, Say } from "../../types.js" */

/**
 * Which groups have no gradient, and why; nothing if all have one.
 *
 * @param {MovedEvent} event
 * @param {string} method
 * @param {Say} say
 */
const remark = (event, method, say) => {
  const still = event.groups.filter((_, i) => event.grad_norms[i] === 0);
  if (!still.length) return "";
  const behindGate = method === "llama_adapter" && still.includes("prompts");
  const why = behindGate ? "gate" : method === "lora" ? "lora" : "zero";
  return say(`still.${why}`, { groups: still.map((group) => say(`group.${group}`)).join(", ") });
};

/**
 * @param {MovedEvent} event
 * @param {Say} say
 */
const rowsOf = (event, say) => {
  const relative = event.groups.map((_, i) => (event.norms[i] ? event.update_norms[i] / event.norms[i] : 0));
  const steepest = Math.max(...event.grad_norms) || 1;
  const longest = Math.max(...relative) || 1;
  return event.groups.map((group, i) =>
    barRow(
      say(`group.${group}`),
      { share: event.grad_norms[i] / steepest, text: figure(event.grad_norms[i]) },
      { share: relative[i] / longest, text: `${figure(100 * relative[i], 2)} %` },
    ),
  );
};

/** @type {Panel["mount"]} */
const mount = (ctx) => {
  const { say, body } = ctx;
  const table = el("table", { class: "gl-moved" });
  const note = el("p", { class: "gl-remark" });
  const readout = el("p", { class: "gl-readout" });
  body.append(readout, table, note);
  const columns = [[say("group")], ...["gradient", "update"].map((name) => [say(name), say(`${name}.title`)])];

  return (view) => {
    const event = view.tape.at("moved", view.step);
    table.hidden = !event;
    readout.textContent = event ? say("at", { step: event.step }) : say("nothing");
    note.textContent = event ? remark(event, view.tape.config.method, say) : "";
    note.hidden = !note.textContent;
    if (event) table.replaceChildren(barHead(...columns), ...rowsOf(event, say));
  };
};

/** @type {Panel} */
export const moved = { name: "moved", order: 5, side: "right", needs: null, mount };
