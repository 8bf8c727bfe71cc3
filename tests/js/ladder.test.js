// The learning-rate ladder: what it says while it runs and at its end, and which lines it draws.
// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { forgotten, toldOf } from "../../assets/js/page/ladder.js";
import { ladderPlot, rateText } from "../../assets/js/page/ladder_plot.js";

/** @import { Climbed, Ladder, Palette } from "../../assets/js/types.js" */

const WORDS = {
  "ladder.waiting": "{of} wait",
  "ladder.running": "{n} of {of}",
  "ladder.best": "{rate}, not {usual}",
  "ladder.best.usual": "{rate}, as for {method}",
  "ladder.stopped": "stopped",
  "ladder.forgets": "forgets {value}",
};
/** @param {number} rate @param {Partial<Climbed>} [values] */
const climbed = (rate, values) =>
  /** @type {Climbed} */ ({ rate, run: "r", state: "waiting", step: 0, losses: [], forgetting: null, ...values });
/** @param {Partial<Ladder>} values */
const ladder = (values) =>
  /** @type {Ladder} */ ({
    tag: "x",
    title: "LoRA",
    state: "running",
    usual: 0.01,
    best: null,
    steps: 80,
    rungs: [8, 24, 80],
    rates: [climbed(0.0033), climbed(0.01)],
    ...values,
  });

test("it says how many rates are in, and which one is the best", () => {
  assert.equal(toldOf(ladder({}), WORDS), "2 wait");
  const rates = [climbed(0.0033, { state: "out", step: 8 }), climbed(0.01, { step: 8 })];
  assert.equal(toldOf(ladder({ rates }), WORDS), "1 of 2");
  assert.equal(toldOf(ladder({ state: "finished", best: 0.03 }), WORDS), "0.03, not 0.01");
  assert.equal(toldOf(ladder({ state: "finished", best: 0.01 }), WORDS), "0.01, as for LoRA");
  assert.equal(toldOf(ladder({ state: "stopped" }), WORDS), "stopped");
  assert.equal(rateText(0.0011000001), "0.0011");
});

test("what a rate forgets stands beside it, where that was measured", () => {
  assert.equal(forgotten({ forgetting: 0.61382 }, WORDS), "forgets +0.61");
  assert.equal(forgotten({ forgetting: null }, WORDS), "");
});

test("a line for each rate, its name at the last point, and a mark at each rung", () => {
  const palette = /** @type {Palette} */ (/** @type {unknown} */ ({ tuned: "red", base: "grey" }));
  const rates = [
    climbed(0.01, {
      losses: [
        [0, 2],
        [8, 1],
      ],
    }),
    climbed(0.03, {
      losses: [
        [0, 2],
        [8, Number.NaN],
      ],
    }),
  ];
  const { data, layout } = /** @type {{data: any[], layout: any}} */ (ladderPlot(ladder({ rates }), palette, WORDS));
  assert.deepEqual(data[0].text, ["", "0.01"]);
  assert.deepEqual(data[1].y, [2]);
  assert.deepEqual(
    layout.shapes.map((/** @type {{x0: number}} */ shape) => shape.x0),
    [8, 24],
  );
});
