// Several methods on one model: whose report is shown.

import assert from "node:assert/strict";
import test from "node:test";
import { reportOn } from "../../assets/js/watch/part_choice.js";

const ANSWER = {
  kind: "together",
  step: 7,
  tokens: ["a"],
  reports: { bottleneck: { kind: "updates", tokens: ["a"] }, prefix: { kind: "soft", tokens: ["a"] } },
};

test("the report on a part is as if it were alone", () => {
  assert.deepEqual(reportOn(ANSWER, "prefix"), { kind: "soft", step: 7, tokens: ["a"], method: "prefix" });
});

test("the first part is shown where none, or another run's, was chosen", () => {
  assert.equal(reportOn(ANSWER, "lora").method, "bottleneck");
});

test("a report on one method stays as it is", () => {
  const alone = { kind: "soft", step: 1, tokens: [] };
  assert.equal(reportOn(alone, "prefix"), alone);
});
