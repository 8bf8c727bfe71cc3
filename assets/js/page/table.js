// The table of runs: sorts, filters, and reports which rows are picked.
// @ts-check

import { el, find } from "../common/dom.js";
import { fill, lastPart } from "../common/text.js";
import { newsOf } from "./run_news.js";

/** @import { RunSummary, TableServer, Words } from "../types.js" */

const POLL_MS = 2000;
const PART = 100; // rows that are drawn at once; more when one scrolls to the last of them
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
 * Draws rows, and keeps those whose run is as it was.
 *
 * @param {HTMLElement} table
 * @param {(run: RunSummary) => HTMLElement} make
 */
const rowsOf = (table, make) => {
  /** @type {Map<string, {run: RunSummary, row: HTMLElement}>} */
  let drawn = new Map();
  /** @param {RunSummary} run */
  const rowOf = (run) => {
    const former = drawn.get(run.id);
    return former?.run === run ? former : { run, row: make(run) };
  };
  return {
    /**
     * @param {HTMLElement} head
     * @param {RunSummary[]} runs
     * @param {Node[]} tail
     */
    draw: (head, runs, tail) => {
      drawn = new Map(runs.map((run) => [run.id, rowOf(run)]));
      /** @type {Node[]} */
      const nodes = [head, ...[...drawn.values()].map(({ row }) => row), ...tail];
      const staying = new Set(nodes);
      for (const node of [...table.childNodes]) if (!staying.has(node)) node.remove();
      nodes.forEach((node, place) => {
        if (table.childNodes[place] !== node) table.insertBefore(node, table.childNodes[place] ?? null);
      });
    },
    /** @param {(id: string, row: HTMLElement) => void} change */
    each: (change) => {
      for (const [id, { row }] of drawn) change(id, row);
    },
  };
};

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
  const news = newsOf(server);
  /** @type {Set<string>} */
  const picked = new Set();
  /** @type {Sort} */
  let sort = { column: null, ascending: false };
  let most = PART;
  let drawn = false;

  /** @param {RunSummary} run */
  const matches = (run) => {
    const wanted = filter.value.trim().toLowerCase();
    const texts = [...COLUMNS.map((column) => shown(run, column, words)), run.notes];
    return !wanted || texts.some((text) => text.toLowerCase().includes(wanted));
  };

  const report = () => pick([...picked]);

  const mark = () =>
    rows.each((id, row) => {
      row.classList.toggle("picked", picked.has(id));
      /** @type {HTMLInputElement} */ (find(row, "input")).checked = picked.has(id);
    });

  /**
   * @param {string} id
   * @param {boolean} alone whether all others are no longer picked
   */
  const toggle = (id, alone) => {
    const was = picked.has(id);
    if (alone) picked.clear();
    if (was) picked.delete(id);
    else picked.add(id);
    mark();
    report();
  };

  /** @param {Column} column */
  const columnHead = (column) => {
    const here = sort.column === column;
    const order = sort.ascending ? "ascending" : "descending";
    const again = () => {
      sort = here ? { column, ascending: !sort.ascending } : { column, ascending: !NUMBERS.has(column) };
      fromTop();
    };
    return el(
      "th",
      { class: NUMBERS.has(column) && "number", "aria-sort": here ? order : "none" },
      el("button", { type: "button", "data-column": column, text: words[`runs.column.${column}`], onclick: again }),
    );
  };
  const makeHead = () => el("tr", {}, el("td"), ...COLUMNS.map(columnHead));
  let head = makeHead();

  /** @param {RunSummary} run */
  const makeRow = (run) => {
    const box = el("input", { type: "checkbox", "aria-label": run.name });
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
    const properties = { "data-run": run.id, onclick: () => toggle(run.id, true) };
    return el("tr", properties, el("td", {}, box), ...cells);
  };
  const rows = rowsOf(table, makeRow);

  const rest = el("tr", { "aria-hidden": true }, el("td", { colspan: COLUMNS.length + 1, text: "…" }));
  const scrolled = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    most += PART;
    draw();
  });

  const draw = () => {
    drawn = true;
    const runs = news.all();
    const wanted = sorted(runs.filter(matches), sort, words);
    rows.draw(head, wanted.slice(0, most), wanted.length > most ? [rest] : []);
    scrolled.disconnect();
    if (rest.isConnected) scrolled.observe(rest);
    mark();
    count.textContent = runs.some((run) => !run.recording) ? words["runs.hint"] : words["runs.empty"];
  };

  const fromTop = () => {
    head = makeHead();
    most = PART;
    draw();
  };

  const refresh = async () => {
    if (!(await news.ask())) return;
    const gone = [...picked].filter((id) => !news.has(id));
    for (const id of gone) picked.delete(id);
    draw();
    if (gone.length) report();
  };

  const poll = async () => {
    if (!element.isConnected) return;
    if (document.visibilityState === "visible" && (element.offsetParent || !drawn)) await refresh();
    setTimeout(poll, POLL_MS);
  };

  refreshMounted = refresh;
  filter.addEventListener("input", fromTop);
  poll();
};
