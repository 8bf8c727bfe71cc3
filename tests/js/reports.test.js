// The maps of a report on a sentence.

import assert from "node:assert/strict";
import test from "node:test";
import { mapsOf, REPORT_MAPS } from "../../assets/js/watch/reports.js";

const ctx = {
  common: (key, values) => (values ? `${key} ${Object.values(values)}` : key),
  view: { tape: { config: { method: "lora" } } },
};
const nowhere = { layer: null, head: null, token: null, row: null };
// Two layers, two heads, three tokens; two prompts.
const contribution = [
  [
    [0, 0.2, 0.4],
    [1, 0.4, 0],
  ],
  [
    [0.5, 0.5, 0.5],
    [0.1, 0.1, 0.1],
  ],
];
const weights = contribution.map((heads) => heads.map((tokens) => tokens.map((value) => [value, 1 - value])));
const report = { kind: "prompts", tokens: ["a", "b", "c"], layers: [3, 5], contribution, weights };

const close = (grid, expected) =>
  grid.forEach((row, r) => {
    row.forEach((value, c) => {
      assert.ok(Math.abs(value - expected[r][c]) < 1e-9, `${value} is not ${expected[r][c]}`);
    });
  });

test("without a head the map shows the mean of all heads, with one that head's values", () => {
  close(mapsOf(report, nowhere, ctx).upper.grid, [
    [0.5, 0.3, 0.2],
    [0.3, 0.3, 0.3],
  ]);
  close(mapsOf(report, { ...nowhere, head: 1 }, ctx).upper.grid, [
    [1, 0.4, 0],
    [0.1, 0.1, 0.1],
  ]);
});

test("attention to the prompts is that of the layer at the cursor, else of the last; the first prompt is on top", () => {
  const last = mapsOf(report, { ...nowhere, head: 0 }, ctx).lower;
  assert.equal(last.layer, 5);
  assert.deepEqual(last.prompts, [1, 0]);
  close(last.grid, [
    [0.5, 0.5, 0.5],
    [0.5, 0.5, 0.5],
  ]);
  const first = mapsOf(report, { ...nowhere, head: 0, layer: 3 }, ctx).lower;
  close(first.grid, [
    [1, 0.8, 0.6],
    [0, 0.2, 0.4],
  ]);
  assert.equal(first.most, 1);
});

test("a report without weights has one map only", () => {
  assert.equal(mapsOf({ ...report, weights: undefined }, nowhere, ctx).lower, null);
});

test("an update's map is that of the target at the cursor, or of the last one there is", () => {
  const updates = { kind: "updates", tokens: ["a"], layers: [0], targets: ["q", "v"], contribution: [[[0.1], [0.2]]] };
  const maps = [null, 1, 7].map((head) => mapsOf(updates, { ...nowhere, head }, ctx).upper);
  assert.deepEqual(
    maps.map(({ target, grid }) => [target, grid]),
    [
      ["q", [[0.1]]],
      ["v", [[0.2]]],
      ["v", [[0.2]]],
    ],
  );
});

test("the next words of a blend are told for a token, white space made visible", () => {
  const blend = { cosine: [0.5], next: { base: [" on"], side: ["\n"], blend: [" in"] } };
  assert.deepEqual(REPORT_MAPS.blend.values(blend, 0), { cosine: "0.50", base: "on", side: "⏎", blend: "in" });
});
