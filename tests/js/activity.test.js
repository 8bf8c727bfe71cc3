// The active run on Runs: the line of the machine, and the lines of its log.
// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { logLine, machineLine } from "../../assets/js/page/activity.js";

const WORDS = {
  "activity.memory": "{used} of {total}, {free} free",
  "activity.cpu": "CPU {share} %",
  "activity.gpu": "GPU {used} of {total}",
  "activity.line": "{step}: {text}",
  "activity.started": "{n} of {total}, {steps} steps",
  "activity.loss": "loss {loss}, {lr}, {speed}/s, {time}",
  "activity.eval": "validation {loss}",
  "activity.ability": "plain {loss}",
  "activity.sample": "says {text}",
  "status.failed": "failed",
};
const use = {
  memory_bytes: 3 * 2 ** 29,
  memory_free_bytes: 2 ** 31,
  memory_total_bytes: 2 ** 32,
  cpu: 0.456,
  gpu_bytes: 0,
  gpu_total_bytes: 0,
};

test("the machine is memory and processors, and a GPU where there is one", () => {
  assert.equal(machineLine(use, WORDS), "1.5 of 4.0, 2.0 free · CPU 46 %");
  const gpu = { ...use, gpu_bytes: 2 ** 30, gpu_total_bytes: 2 ** 33 };
  assert.equal(machineLine(gpu, WORDS), "1.5 of 4.0, 2.0 free · CPU 46 % · GPU 1.0 of 8.0");
});

test("every kind of event has its line", () => {
  /** @param {import("../../assets/js/types.js").LogEvent} event */
  const line = (event) => logLine(event, 300, WORDS);
  assert.equal(line({ kind: "started", step: 0, steps: 300, trainable: 5, total: 9 }), "0: 5 of 9, 300 steps");
  const loss = { kind: "loss", loss: 0.5, lr: 0.001, tokens_per_s: 99.6, wall_s: 61 };
  assert.equal(line({ ...loss, step: 3 }), "3: loss 0.500, 0.00100, 100/s, 1:01");
  assert.equal(
    line({ kind: "eval", step: 9, validation_loss: 0.25, base_ability_loss: 2 }),
    "9: validation 0.250 · plain 2.00",
  );
  assert.equal(line({ kind: "eval", step: 9, validation_loss: 0.25, base_ability_loss: null }), "9: validation 0.250");
  assert.equal(line({ kind: "sample", step: 9, answer: " a\n b " }), "9: says a b");
  assert.equal(line({ kind: "sample", step: 9, answer: "x".repeat(500) }).length, "9: says ".length + 121);
  assert.equal(line({ kind: "status", step: 9, status: "failed", message: "no room" }), "9: failed: no room");
});

test("of many losses a hundred are told", () => {
  const told = Array.from({ length: 1000 }, (_, step) => logLine({ kind: "loss", step, loss: 1, lr: 1 }, 1000, WORDS));
  assert.equal(told.filter(Boolean).length, 100);
  assert.ok(logLine({ kind: "loss", step: 20, loss: 1, lr: 1 }, 100_000, WORDS));
});
