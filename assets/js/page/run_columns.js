// The columns of the table of runs: which there are, what stands in their cells, and how they sort.
// @ts-check

import { button, el, tickBox } from "../common/dom.js";
import { scoreText } from "../common/score.js";
import { clock, fill, lastPart, methodTitle, signed } from "../common/text.js";

/** @import { RunSummary, Words } from "../types.js" */

const KEPT = "gatelight.columns";
const TEXTS = /** @type {const} */ (["name", "status", "method", "dataset", "model"]);
const NUMBERS = /** @type {const} */ ([
  "step",
  "score",
  "forgetting",
  "best_validation",
  "trainable",
  "learning_rate",
  "seed",
  "wall_s",
  "size_bytes",
  "created",
]);
export const COLUMNS = [...TEXTS, ...NUMBERS];
/** @typedef {typeof COLUMNS[number]} Column */
/** @type {readonly Column[]} */
const USUAL = ["name", "status", "method", "dataset", "step", "score", "forgetting", "trainable", "wall_s", "created"];

/** @param {Column} column */
export const isNumber = (column) => NUMBERS.some((name) => name === column);

/** @param {number} n */
const bytes = (n) => (n < 1e6 ? `${(n / 1e3).toFixed(n < 1e4 ? 1 : 0)} kB` : `${(n / 1e6).toFixed(1)} MB`);

/** @type {Map<string, Intl.DateTimeFormat>} by language: to make one takes as long as to write a hundred times */
const clocks = new Map();

/** @param {string} language */
const clockOf = (language) =>
  new Intl.DateTimeFormat(language || undefined, {
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  });

/** @param {number} seconds since the epoch */
const when = (seconds) => {
  const { lang } = document.documentElement;
  const made = clocks.get(lang) ?? clockOf(lang);
  clocks.set(lang, made);
  return made.format(new Date(seconds * 1000));
};

/** @param {RunSummary} run */
export const statusOf = (run) => (run.recording ? "recording" : run.status);

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
export const shown = (run, column, words) => {
  switch (column) {
    case "status":
      return words[`status.${statusOf(run)}`] ?? run.status;
    case "method":
      return methodTitle(run.method, (name) => words[`method.${name}`]);
    case "model":
    case "dataset":
      return sourceName(run[column]);
    case "step":
      return steps(run, words);
    case "score":
      return run.score ? scoreText(run.score, (key, values = {}) => fill(words[key], values)) : "–";
    case "forgetting":
      return run.forgetting === null ? "–" : signed(run.forgetting);
    case "best_validation":
      return run.best_validation === null ? "–" : run.best_validation.toFixed(3);
    case "learning_rate":
      return run.learning_rate === null ? "–" : Number(run.learning_rate.toPrecision(2)).toString();
    case "seed":
      return run.seed === null ? "–" : String(run.seed);
    case "wall_s":
      return run.wall_s === null ? "–" : clock(run.wall_s);
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

/**
 * What a column of numbers is sorted by; scores of different kinds are not comparable, those of one kind are.
 *
 * @param {RunSummary} run
 * @param {Column} column
 */
const numberOf = (run, column) => {
  if (column === "score") return run.score?.value ?? null;
  return run[/** @type {"step" | "forgetting" | "created"} */ (column)];
};

/** @typedef {{column: Column | null, ascending: boolean}} Sort */

/**
 * The runs in the order of a column.
 *
 * @param {RunSummary[]} runs
 * @param {Sort} sort
 * @param {Words} words
 */
export const sorted = (runs, { column, ascending }, words) => {
  if (!column) return runs;
  const sign = ascending ? 1 : -1;
  if (isNumber(column)) {
    const known = runs.filter((run) => numberOf(run, column) !== null);
    const unknown = runs.filter((run) => numberOf(run, column) === null);
    known.sort((a, b) => sign * (Number(numberOf(a, column)) - Number(numberOf(b, column))));
    return [...known, ...unknown];
  }
  return [...runs].sort((a, b) => sign * shown(a, column, words).localeCompare(shown(b, column, words)));
};

/** Columns that are shown, in order; kept in the browser. */
export const chosenColumns = () => {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? "null");
    const known = Array.isArray(kept) ? COLUMNS.filter((column) => kept.includes(column)) : [];
    return known.length ? known : [...USUAL];
  } catch {
    return [...USUAL];
  }
};

/**
 * A menu of all columns with a box for each.
 *
 * @param {Words} words
 * @param {() => void} changed
 */
export const columnMenu = (words, changed) => {
  const boxes = COLUMNS.filter((column) => column !== "name").map((column) => {
    const box = tickBox({ value: column });
    box.addEventListener("change", () => keep(boxes.filter(({ box }) => box.checked).map(({ column }) => column)));
    return { column, box, label: el("label", {}, box, words[`runs.column.${column}`]) };
  });
  const mark = () => {
    const chosen = new Set(chosenColumns());
    for (const { column, box } of boxes) box.checked = chosen.has(column);
  };
  /** @param {readonly Column[]} columns */
  const keep = (columns) => {
    localStorage.setItem(KEPT, JSON.stringify(["name", ...columns]));
    changed();
  };
  const usual = button(words["runs.columns.usual"], () => {
    keep(USUAL);
    mark();
  });
  mark();
  const list = el("div", { class: "gl-columns-list" }, ...boxes.map(({ label }) => label), usual);
  return el("details", { class: "gl-columns" }, el("summary", { text: words["runs.columns"] }), list);
};
