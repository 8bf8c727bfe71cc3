// The losses of several runs in one plot.

import assert from "node:assert/strict";
import { test } from "node:test";
import { farApart, logTicks, overlayPlot, strokePicture } from "../../assets/js/common/overlay.js";

const line = (...losses) => ({
  name: "a run",
  training: losses.map((loss, step) => [step, loss]),
  validation: [[0, losses[0]]],
});
const words = { "runs.plot.x": "step", "runs.plot.y": "loss" };
const palette = { tuned: "amber", base: "slate", line: "grey", muted: "grey", panel: "white", font: "sans" };

test("losses that span more than two decades ask for a logarithmic axis, wherever they stand", () => {
  assert.equal(farApart([line(5, 0.06)]), false);
  assert.equal(farApart([line(5, 0.04)]), true);
  assert.equal(farApart([line(5), line(0.04)]), true);
  assert.equal(farApart([line(5, 0)]), false, "0 has no place on such an axis");
  assert.equal(farApart([]), false);
});

test("a logarithmic axis leaves out what it has no place for, and another axis begins its zoom anew", () => {
  const [linear, log] = [false, true].map((wanted) => overlayPlot([line(5, 0)], wanted, palette, words));
  assert.deepEqual(linear.data[0].y, [5, 0]);
  assert.deepEqual(log.data[0].y, [5, null]);
  assert.deepEqual([linear.layout.yaxis.type, log.layout.yaxis.type], [undefined, "log"]);
  assert.notEqual(linear.layout.uirevision, log.layout.uirevision);
});

test("eight runs are told apart by colour and dashes", () => {
  const { data } = overlayPlot(new Array(8).fill(line(1)), false, palette, words);
  const looks = new Set(data.map(({ line: { color, dash, width } }) => `${color} ${dash} ${width}`));
  assert.equal(looks.size, 16);
});

test("numbers of a logarithmic axis are of one size: 1, 2 and 5 of each decade, or 1 where there are many", () => {
  assert.deepEqual(logTicks([line(3, 0.02)]).ticktext, "0.01 0.02 0.05 0.1 0.2 0.5 1 2 5 10 20 50".split(" "));
  assert.deepEqual(logTicks([line(3000, 0.02)]).ticktext, "0.01 0.1 1 10 100 1000 10000".split(" "));
  assert.deepEqual(logTicks([line(0)]), {});
});

test("a run that is hidden is not drawn, and the others keep their looks", () => {
  const lines = [line(1), line(2), line(3)];
  const [all, some] = [new Set(), new Set([1])].map((hidden) => overlayPlot(lines, false, palette, words, hidden));
  assert.deepEqual(
    some.data.map(({ visible }) => visible),
    [true, true, false, false, true, true],
  );
  assert.deepEqual(
    some.data.map((trace) => trace.line),
    all.data.map((trace) => trace.line),
  );
});

test("a key shows a run's own strokes and gaps in its colour", () => {
  assert.equal(strokePicture(0, palette), "repeating-linear-gradient(90deg, amber 0px 24px)");
  assert.match(strokePicture(3, palette), /^repeating-linear-gradient\(90deg, slate 0px 7px, transparent 7px 11px\)$/);
});
