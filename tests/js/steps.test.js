// The axis of steps.

import assert from "node:assert/strict";
import test from "node:test";
import { stepName, stepScale } from "../../assets/js/watch/steps.js";

for (const logarithmic of [true, false]) {
  test(`a position on a ${logarithmic ? "logarithmic" : "linear"} axis leads back to its step`, () => {
    const scale = stepScale(logarithmic, 1e6);
    for (const step of [0, 1, 2, 9, 10, 299, 300, 12345, 999999]) assert.equal(scale.back(scale.of(step)), step);
  });

  test(`later steps stand further right on a ${logarithmic ? "logarithmic" : "linear"} axis, from 0 on`, () => {
    const scale = stepScale(logarithmic, 100);
    assert.equal(scale.of(0), 0);
    for (let step = 0; step < 100; step += 1) assert.ok(scale.of(step + 1) > scale.of(step));
  });

  test(`left of the axis is step 0 on a ${logarithmic ? "logarithmic" : "linear"} axis`, () => {
    assert.equal(stepScale(logarithmic, 100).back(-0.5), 0);
  });
}

test("on a logarithmic axis a decade is as wide as the next", () => {
  const { of } = stepScale(true, 1000);
  assert.ok(Math.abs(of(99) - of(9) - (of(999) - of(99))) < 1e-9);
});

test("only steps of the run get a label, the last one included", () => {
  assert.deepEqual(stepScale(true, 30).marks, [0, 1, 3, 10, 30]);
  assert.deepEqual(stepScale(true, 29).marks, [0, 1, 3, 10]);
  assert.deepEqual(
    stepScale(true, 100_000).marks,
    [0, 1, 10, 100, 1000, 10_000, 100_000],
    "what has room side by side",
  );
});

test("the labels of a linear axis are left to whoever draws it", () => {
  assert.equal(stepScale(false, 30).marks, null);
});

test("a step's name is short", () => {
  assert.deepEqual([0, 300, 3000, 10_000, 100_000, 1_000_000].map(stepName), ["0", "300", "3000", "10k", "100k", "1M"]);
});
