// The table of runs: sorts, filters, and reports which rows are picked.
// @ts-check

import { el, find, tickBox } from "../common/dom.js";
import { fill } from "../common/text.js";
import { COLUMNS, chosenColumns, columnMenu, isNumber, shown, sorted, statusOf } from "./run_columns.js";
import { newsOf } from "./run_news.js";

/** @import { RunSummary, TableServer, Words } from "../types.js" */
/** @import { Column, Sort } from "./run_columns.js" */

const POLL_MS = 2000;
const PART = 100; // rows that are drawn at once; more when one scrolls to the last of them

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
    /** Make all rows anew the next time. */
    forget: () => drawn.clear(),
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
  const problems = find(element, ".gl-table-problems");
  const news = newsOf(server);
  /** @type {Set<string>} */
  const picked = new Set();
  /** @type {Sort} */
  let sort = { column: null, ascending: false };
  let columns = chosenColumns();
  let most = PART;
  let drawn = false;

  /** @param {RunSummary} run */
  const matches = (run) => {
    const wanted = filter.value.trim().toLowerCase();
    if (!wanted) return true;
    const texts = [...COLUMNS.map((column) => shown(run, column, words)), run.notes, ...run.tags, run.place];
    return texts.some((text) => text.toLowerCase().includes(wanted));
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
      sort = here ? { column, ascending: !sort.ascending } : { column, ascending: !isNumber(column) };
      fromTop();
    };
    return el(
      "th",
      { class: isNumber(column) && "number", "aria-sort": here ? order : "none" },
      el("button", { type: "button", "data-column": column, text: words[`runs.column.${column}`], onclick: again }),
    );
  };
  const makeHead = () => el("tr", {}, el("td"), ...columns.map(columnHead));
  let head = makeHead();

  /** @param {string} tag */
  const makeTag = (tag) => {
    const only = (/** @type {Event} */ event) => {
      event.stopPropagation();
      filter.value = filter.value === tag ? "" : tag;
      fromTop();
    };
    const title = fill(words["runs.tag"], { tag });
    return el("button", { type: "button", class: "gl-tag", text: tag, title, onclick: only });
  };

  /** @param {RunSummary} run */
  const makeRow = (run) => {
    const box = tickBox({ "aria-label": run.name });
    box.addEventListener("click", (event) => {
      event.stopPropagation();
      toggle(run.id, false);
    });
    const cells = columns.map((column) =>
      el(
        "td",
        {
          text: shown(run, column, words),
          class: isNumber(column) && "number",
          "data-state": column === "status" && statusOf(run),
          title: column === "name" && run.notes,
        },
        ...(column === "name" ? run.tags.map(makeTag) : []),
        column === "name" && run.place ? el("span", { class: "gl-place", text: run.place }) : null,
      ),
    );
    const properties = { "data-run": run.id, onclick: () => toggle(run.id, true) };
    return el("tr", properties, el("td", {}, box), ...cells);
  };
  const rows = rowsOf(table, makeRow);

  const rest = el("tr", { "aria-hidden": true }, el("td", { colspan: 20, text: "…" }));
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
    const hint = runs.some((run) => !run.recording) ? "runs.hint" : "runs.empty";
    const text = filter.value.trim();
    problems.textContent = news.problems().join(" ");
    problems.hidden = !news.problems().length;
    count.textContent = fill(words[text && !wanted.length ? "runs.no_match" : hint], { text });
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

  const recolumned = () => {
    columns = chosenColumns();
    if (sort.column && !columns.includes(sort.column)) sort = { column: null, ascending: false };
    rows.forget();
    fromTop();
  };

  refreshMounted = refresh;
  find(element, ".gl-table-tools").append(columnMenu(words, recolumned));
  filter.addEventListener("input", fromTop);
  poll();
};
