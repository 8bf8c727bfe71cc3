// The method zoo: which marks no other one beats.

import assert from "node:assert/strict";
import test from "node:test";
import { paretoLine, spans } from "../../assets/js/page/zoo_plot.js";

const SCORE_AGAINST_FORGETTING = { x: "forgetting", y: "exact_match" };

test("on the line is what nothing else beats on both axes, from left to right", () => {
  const [forgetting, score] = [
    [0.3, 0.1, 0.2, 0.4],
    [0.9, 0.5, 0.4, 0.8],
  ];
  assert.deepEqual(paretoLine(forgetting, score, SCORE_AGAINST_FORGETTING), [1, 0]);
});

test("where both axes are costs, less is better on both", () => {
  assert.deepEqual(paretoLine([1, 2, 3], [3, 1, 2], { x: "seconds", y: "trainable" }), [0, 1]);
});

test("equal marks do not beat each other", () => {
  assert.deepEqual(paretoLine([1, 1], [0.5, 0.5], SCORE_AGAINST_FORGETTING), [0, 1]);
});

test("a line spans the scores of other seeds, where there are any and the axis shows scores", () => {
  const palette = /** @type {import("../../assets/js/types.js").Palette} */ ({ muted: "grey" });
  /** @param {object[]} some */
  const methods = (...some) => /** @type {import("../../assets/js/types.js").ZooMethod[]} */ (some);
  const [one, three] = [{ exact_match: 0.5 }, { exact_match: 0.8, lowest: 0.6, highest: 0.9, seeds: 3 }];
  const { visible, array, arrayminus } = spans(methods(one, three), "exact_match", palette);
  assert.ok(visible);
  assert.deepEqual(
    [array, arrayminus].map((list) => list.map((x) => x.toFixed(2))),
    [
      ["0.00", "0.10"],
      ["0.00", "0.20"],
    ],
  );
  assert.ok(!spans(methods(one, three), "seconds", palette).visible);
  assert.ok(!spans(methods(one), "exact_match", palette).visible);
});
