// The two kinds of loss as Plotly's data and layout.
// @ts-check

import { plotLayout } from "../../common/plotly.js";
import { stepName } from "../steps.js";

/** @import { EvalEvent } from "../../event_types.js" */
/** @import { Palette, Say, StepScale } from "../../types.js" */
/** @import { Tape } from "../tape.js" */

/**
 * One line; `customdata` are the steps, whatever the axis.
 *
 * @template {{step: number}} T
 * @param {T[]} events
 * @param {(event: T) => number | null} value
 * @param {StepScale} scale
 * @param {object} style
 */
const trace = (events, value, scale, style) => ({
  x: events.map((event) => scale.of(event.step)),
  y: events.map(value),
  customdata: events.map((event) => event.step),
  hoverinfo: "none",
  mode: "lines",
  ...style,
});

/**
 * The first validation with the lowest loss; null without one.
 *
 * @param {Tape} tape
 */
export const lowestValidation = (tape) =>
  tape
    .all("eval")
    .reduce(
      (best, event) => (best && best.validation_loss <= event.validation_loss ? best : event),
      /** @type {EvalEvent | null} */ (null),
    );

/**
 * How far the loss on plain text that the base knew has risen since the first measurement, in nats per token: a function
 * of an evaluation; null where it was not measured.
 *
 * @param {Tape} tape
 * @returns {(event: EvalEvent | null) => number | null}
 */
export const forgetting = (tape) => {
  const before = tape.all("eval")[0]?.base_ability_loss ?? null;
  return (event) => {
    const now = event?.base_ability_loss ?? null;
    return now === null || before === null ? null : now - before;
  };
};

/** Names of the units in which a run's loss is told, by the score of its validations. @type {Record<string, string>} */
const UNITS = { "": "token", accuracy: "row", f1: "end", pearson: "number" };

/**
 * How a run's task head is scored on validation rows, and in which unit its loss is.
 *
 * @param {Tape} tape
 */
export const scoring = (tape) => {
  const name = tape.all("eval").find((event) => event.score_name)?.score_name ?? "";
  return { score: name, unit: UNITS[name] ?? "token" };
};

/**
 * The lines of a run, and dotted those of the run that it is compared with.
 *
 * @param {Tape} tape
 * @param {Tape | null} other
 * @param {StepScale} scale
 * @param {Palette} palette
 * @param {Say} say
 */
export const lossTraces = (tape, other, scale, palette, say) => {
  const evals = tape.all("eval");
  /**
   * @param {string} color
   * @param {number} size of the points
   */
  const points = (color, size) => ({
    mode: "lines+markers",
    line: { width: 2, color },
    marker: { size, color },
  });
  const training = { name: say("training"), line: { width: 1.2, color: palette.tuned }, opacity: 0.7 };
  const validation = { name: say("validation"), ...points(palette.accent, 6) };
  const forgotten = { name: say("forgetting"), ...points(palette.base, 5) };
  const traces = [
    trace(tape.all("loss"), (event) => event.loss, scale, training),
    trace(evals, (event) => event.validation_loss, scale, validation),
    trace(evals, forgetting(tape), scale, forgotten),
  ];
  const { score } = scoring(tape);
  if (score) {
    const style = { name: say(`score.${score}`), line: { width: 2, color: palette.ink, dash: "dash" }, yaxis: "y2" };
    traces.push(trace(evals, (event) => event.score ?? null, scale, style));
  }
  const best = lowestValidation(tape);
  if (best) {
    const marker = { symbol: "circle-open", size: 13, color: palette.accent, line: { width: 2 } };
    traces.push(trace([best], (event) => event.validation_loss, scale, { name: "", mode: "markers", marker }));
  }
  if (other) {
    /**
     * @param {string} color
     * @param {number} width
     */
    const dotted = (color, width) => ({
      name: say("other", { name: other.name }),
      line: { width, color, dash: "dot" },
    });
    const theirs = other.all("eval");
    traces.push(
      trace(other.all("loss"), (event) => event.loss, scale, { ...dotted(palette.tuned, 1), opacity: 0.7 }),
      trace(theirs, (event) => event.validation_loss, scale, dotted(palette.accent, 2.4)),
      trace(theirs, forgetting(other), scale, dotted(palette.base, 2.4)),
    );
  }
  return traces;
};

/**
 * @param {StepScale} scale
 * @param {number} end the last step on the axis
 * @param {Palette} palette
 * @param {string} revision a zoom is kept until this changes
 * @param {ReturnType<typeof scoring>} of how the run is scored
 * @param {Say} say
 */
export const lossLayout = (scale, end, palette, revision, { score, unit }, say) => {
  const axis = { gridcolor: palette.line, zerolinecolor: palette.line, linecolor: palette.line, fixedrange: false };
  const ticks = scale.marks
    ? { tickvals: scale.marks.map(scale.of), ticktext: scale.marks.map(stepName), tickangle: 0 }
    : {};
  const range = [-0.03 * scale.of(end), 1.03 * scale.of(end)];
  const least = score === "pearson" ? -1 : 0;
  const right = { overlaying: "y", side: "right", range: [least, 1.02], showgrid: false, zeroline: false };
  const tickvals = [0, 1, 2, 3, 4].map((quarter) => least + ((1 - least) * quarter) / 4);
  const yaxis2 = () => ({ ...axis, ...right, tickvals, title: { text: say(`score.${score}`), standoff: 4 } });
  return {
    ...plotLayout(palette),
    margin: { l: 54, r: score ? 54 : 10, t: 6, b: 34 },
    ...(score ? { yaxis2: yaxis2() } : {}),
    uirevision: revision,
    hovermode: "x",
    hoverdistance: -1,
    dragmode: "zoom",
    xaxis: { ...axis, ...ticks, range, zeroline: false, title: { text: say("axis"), standoff: 4 } },
    yaxis: { ...axis, rangemode: "tozero", title: { text: say("axis.y", { unit: say(`unit.${unit}`) }), standoff: 4 } },
  };
};
