// The picture of a search: what its axes show, and when the best runs make a line.

import assert from "node:assert/strict";
import test from "node:test";
import { firstAxes, searchPlot } from "../../assets/js/page/search_plot.js";

const LOOK = {
  palette: /** @type {import("../../assets/js/types.js").Palette} */ ({ line: "grey", base: "blue" }),
  colour: () => "red",
  say: (/** @type {string} */ key) => key,
};
const point = (/** @type {number} */ number, /** @type {object} */ facts) =>
  /** @type {import("../../assets/js/types.js").SearchPoint} */ ({
    ...{ number, family: "weights", state: "done", loss: 1, trainable: 10, forgetting: null, seconds: 5, best: false },
    ...facts,
  });

test("size stands against loss, where the search asks for both", () => {
  assert.deepEqual(firstAxes(["loss", "trainable"]), { x: "trainable", y: "loss" });
  assert.deepEqual(firstAxes(["loss", "forgetting", "seconds"]), { x: "forgetting", y: "loss" });
  assert.deepEqual(firstAxes(["trainable", "seconds"]), { x: "seconds", y: "trainable" });
  assert.deepEqual(firstAxes(["loss"]), { x: "trainable", y: "loss" });
});

test("a run stands in the picture where both of its values are known", () => {
  const points = [point(0, {}), point(1, { forgetting: 0.2 }), point(2, { loss: null, forgetting: 0.1 })];
  const { data, layout } = searchPlot(points, { x: "forgetting", y: "loss" }, false, null, LOOK);
  const [line, dots] = /** @type {{x: number[], y: number[], customdata: number[]}[]} */ (data);
  assert.deepEqual([dots.customdata, dots.x, dots.y], [[1], [0.2], [1]]);
  assert.deepEqual(line.x, [], "of three aims two axes show no line");
  const { xaxis } = /** @type {{xaxis: {title: {text: string}, type?: string}}} */ (layout);
  assert.deepEqual([xaxis.title.text, xaxis.type], ["axis.forgetting", undefined]);
});

test("the best runs make a line from left to right", () => {
  const points = [point(0, { trainable: 90, loss: 1, best: true }), point(1, { loss: 2, best: true }), point(2, {})];
  const { data } = searchPlot(points, { x: "trainable", y: "loss" }, true, 1, LOOK);
  const [line] = /** @type {{x: number[], y: number[]}[]} */ (data);
  assert.deepEqual(
    [line.x, line.y],
    [
      [10, 90],
      [2, 1],
    ],
  );
});
