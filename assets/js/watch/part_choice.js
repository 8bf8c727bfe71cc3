// Several methods on one model: whose report is shown. Of one method alone there is nothing to choose.
// @ts-check

import { el } from "../common/dom.js";

/** @import { PanelContext, Report } from "../types.js" */

/**
 * The report on one part, as if its method were alone.
 *
 * @param {Report} answer about a method, or about several together
 * @param {string} wanted
 * @returns {Report}
 */
export const reportOn = (answer, wanted) => {
  if (!answer.reports) return answer;
  const method = wanted in answer.reports ? wanted : Object.keys(answer.reports)[0];
  const { reports, ...about } = answer;
  return { ...about, ...reports[method], method };
};

/**
 * A menu of the methods, hidden while there is one alone.
 *
 * @param {PanelContext} ctx
 * @param {(report: Report) => void} receive called with the report on the chosen method
 * @returns {{ host: HTMLElement, show: (answer: Report) => void }}
 */
export const createPartChoice = (ctx, receive) => {
  const host = el("select", { class: "gl-select gl-part", "aria-label": ctx.common("asks.part"), hidden: true });
  /** @type {Report | null} */
  let shown = null;
  const tell = () => shown && receive(reportOn(shown, host.value));
  host.addEventListener("change", tell);
  /** @param {Report} answer */
  const show = (answer) => {
    const names = Object.keys(answer.reports ?? {});
    if (host.dataset.names !== names.join()) {
      host.dataset.names = names.join();
      host.replaceChildren(...names.map((name) => el("option", { value: name, text: ctx.common(`method.${name}`) })));
    }
    host.hidden = !names.length;
    shown = answer;
    tell();
  };
  return { host, show };
};
