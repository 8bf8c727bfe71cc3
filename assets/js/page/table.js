// The table of runs: sorts, filters, and reports which rows are picked.
// @ts-check

import { el, find } from "../common/dom.js";
import { answerOf } from "../common/server.js";
import { fill, lastPart } from "../common/text.js";

/** @import { RunSummary, TableServer, Words } from "../types.js" */

const POLL_MS = 2000;
const COLUMNS = /** @type {const} */ ([
  "name",
  "status",
  "method",
  "dataset",
  "model",
  "step",
  "best_validation",
  "trainable",
  "size_bytes",
  "created",
]);
/** @typedef {typeof COLUMNS[number]} Column */
/** @type {ReadonlySet<Column>} */
const NUMBERS = new Set(["step", "best_validation", "trainable", "size_bytes", "created"]);

/** @param {number} n */
const bytes = (n) => (n < 1e6 ? `${(n / 1e3).toFixed(n < 1e4 ? 1 : 0)} kB` : `${(n / 1e6).toFixed(1)} MB`);

/** @param {number} seconds since the epoch */
const when = (seconds) =>
  new Date(seconds * 1000).toLocaleString(document.documentElement.lang || undefined, {
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  });

/** @param {RunSummary} run */
const statusOf = (run) => (run.recording ? "recording" : run.status);

/** @param {string} source a dataset or a model */
const sourceName = (source) => (source.startsWith("hub:") ? source : lastPart(source));

/**
 * The step of a run, and the step of the adapter that it kept where that is an earlier one.
 *
 * @param {RunSummary} run
 * @param {Words} words
 */
const steps = (run, words) => {
  const earlier = run.status === "finished" && run.kept_step !== null && run.kept_step !== run.step;
  const kept = earlier ? ` (${fill(words["runs.kept"], { step: run.kept_step })})` : "";
  return `${run.step}/${run.steps}${kept}`;
};

/**
 * The text of a cell.
 *
 * @param {RunSummary} run
 * @param {Column} column
 * @param {Words} words
 */
const shown = (run, column, words) => {
  switch (column) {
    case "status":
      return words[`status.${statusOf(run)}`] ?? run.status;
    case "method":
      return words[`method.${run.method}`] ?? run.method;
    case "model":
    case "dataset":
      return sourceName(run[column]);
    case "step":
      return steps(run, words);
    case "best_validation":
      return run.best_validation === null ? "–" : run.best_validation.toFixed(3);
    case "trainable":
      return run.trainable.toLocaleString("en");
    case "size_bytes":
      return run.size_bytes ? bytes(run.size_bytes) : "–";
    case "created":
      return run.recording ? "–" : when(run.created);
    default:
      return run[column];
  }
};

/** @typedef {{column: Column | null, ascending: boolean}} Sort */

/**
 * The runs in the order of a column.
 *
 * @param {RunSummary[]} runs
 * @param {Sort} sort
 * @param {Words} words
 */
const sorted = (runs, { column, ascending }, words) => {
  if (!column) return runs;
  const numeric = /** @type {"step" | "created"} */ (column);
  const sign = ascending ? 1 : -1;
  if (NUMBERS.has(column)) {
    return [...runs].sort((a, b) => sign * ((a[numeric] ?? Infinity) - (b[numeric] ?? Infinity)));
  }
  return [...runs].sort((a, b) => sign * shown(a, column, words).localeCompare(shown(b, column, words)));
};

/** @type {() => Promise<void>} */
let refreshMounted = async () => {};

/** Ask the server for the runs again. */
export const refreshRuns = () => refreshMounted();

/**
 * Mount the table and keep it up to date.
 *
 * @param {HTMLElement} element
 * @param {Words} words
 * @param {TableServer} server
 * @param {(ids: string[]) => void} pick called with the ids of the picked runs
 */
export const mountTable = (element, words, server, pick) => {
  const table = find(element, "table");
  const filter = /** @type {HTMLInputElement} */ (find(element, ".gl-filter"));
  const count = find(element, ".gl-table-count");
  /** @type {Set<string>} */
  const picked = new Set();
  /** @type {RunSummary[]} */
  let runs = [];
  /** @type {Sort} */
  let sort = { column: null, ascending: false };
  let drawn = "";

  /** @param {RunSummary} run */
  const matches = (run) => {
    const wanted = filter.value.trim().toLowerCase();
    const texts = [...COLUMNS.map((column) => shown(run, column, words)), run.notes];
    return !wanted || texts.some((text) => text.toLowerCase().includes(wanted));
  };

  const report = () => pick([...picked]);

  /**
   * @param {string} id
   * @param {boolean} alone whether all others are no longer picked
   */
  const toggle = (id, alone) => {
    const was = picked.has(id);
    if (alone) picked.clear();
    if (was) picked.delete(id);
    else picked.add(id);
    draw(true);
    report();
  };

  /** @param {Column} column */
  const columnHead = (column) => {
    const here = sort.column === column;
    const order = sort.ascending ? "ascending" : "descending";
    const again = () => {
      sort = here ? { column, ascending: !sort.ascending } : { column, ascending: !NUMBERS.has(column) };
      draw(true);
    };
    return el(
      "th",
      { class: NUMBERS.has(column) && "number", "aria-sort": here ? order : "none" },
      el("button", { type: "button", "data-column": column, text: words[`runs.column.${column}`], onclick: again }),
    );
  };

  /** @param {RunSummary} run */
  const row = (run) => {
    const box = el("input", { type: "checkbox", "aria-label": run.name });
    box.checked = picked.has(run.id);
    box.addEventListener("click", (event) => {
      event.stopPropagation();
      toggle(run.id, false);
    });
    const cells = COLUMNS.map((column) =>
      el("td", {
        text: shown(run, column, words),
        class: NUMBERS.has(column) && "number",
        "data-state": column === "status" && statusOf(run),
        title: column === "name" && run.notes,
      }),
    );
    const properties = {
      "data-run": run.id,
      class: picked.has(run.id) && "picked",
      onclick: () => toggle(run.id, true),
    };
    return el("tr", properties, el("td", {}, box), ...cells);
  };

  /** @param {boolean} always draw even if no run has changed */
  const draw = (always) => {
    const state = JSON.stringify(runs);
    if (!always && state === drawn) return;
    drawn = state;
    const heads = el("tr", {}, el("td"), ...COLUMNS.map(columnHead));
    table.replaceChildren(heads, ...sorted(runs.filter(matches), sort, words).map(row));
    count.textContent = runs.some((run) => !run.recording) ? words["runs.hint"] : words["runs.empty"];
  };

  const refresh = async () => {
    const news = await answerOf(server.listed(null));
    if (!news) return;
    runs = news;
    const known = new Set(runs.map((run) => run.id));
    const gone = [...picked].filter((id) => !known.has(id));
    for (const id of gone) picked.delete(id);
    draw(false);
    if (gone.length) report();
  };

  const poll = async () => {
    if (!element.isConnected) return;
    if (document.visibilityState === "visible" && (element.offsetParent || !drawn)) await refresh();
    setTimeout(poll, POLL_MS);
  };

  refreshMounted = refresh;
  filter.addEventListener("input", () => draw(true));
  poll();
};
