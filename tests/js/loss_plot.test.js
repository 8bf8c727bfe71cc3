import assert from "node:assert/strict";
import { test } from "node:test";
import { forgetting, lossLayout, lossTraces, scoring } from "../../assets/js/watch/panels/loss_plot.js";

const tapeOf = (...losses) => ({ all: () => losses.map((base_ability_loss) => ({ base_ability_loss })) });

test("forgetting is the rise of the loss on plain text since the first measurement", () => {
  const tape = tapeOf(0.5, 0.75, 0.25);
  assert.deepEqual(tape.all("eval").map(forgetting(tape)), [0, 0.25, -0.25]);
});

test("what was not measured is not forgotten", () => {
  assert.equal(forgetting(tapeOf(0.5, null))({ base_ability_loss: null }), null);
  assert.equal(forgetting(tapeOf(null, 0.5))({ base_ability_loss: 0.5 }), null);
  assert.equal(forgetting(tapeOf())(null), null);
});

/** A run with a task head, or without one. */
const scored = (name, scores) => ({
  all: (kind) =>
    kind === "eval"
      ? scores.map((score, step) => ({ step, validation_loss: 1, base_ability_loss: null, score, score_name: name }))
      : [],
});
const scale = { of: (step) => step, marks: null };
const say = (name, values) => (values ? `${name} ${values.unit}` : name);

test("a task head's score is drawn on an axis of its own, in its unit", () => {
  const tape = scored("accuracy", [0.5, 0.75]);
  assert.deepEqual(scoring(tape), { score: "accuracy", unit: "row" });
  const line = lossTraces(tape, null, scale, {}, say).find((one) => one.yaxis === "y2");
  assert.deepEqual([line.name, line.y], ["score.accuracy", [0.5, 0.75]]);
  const layout = lossLayout(scale, 2, {}, "", scoring(tape), say);
  assert.equal(layout.yaxis.title.text, "axis.y unit.row");
  assert.deepEqual([layout.yaxis2.title.text, layout.yaxis2.range[0]], ["score.accuracy", 0]);
  assert.equal(lossLayout(scale, 2, {}, "", scoring(scored("pearson", [-0.2])), say).yaxis2.range[0], -1);
});

test("a run that writes its answers has no score, and its loss is per token", () => {
  const tape = scored("", [null, null]);
  assert.deepEqual(scoring(tape), { score: "", unit: "token" });
  assert.equal(
    lossTraces(tape, null, scale, {}, say).some((one) => one.yaxis),
    false,
  );
  assert.equal("yaxis2" in lossLayout(scale, 2, {}, "", scoring(tape), say), false);
});
