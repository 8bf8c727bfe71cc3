// Pure functions on numbers and lists.

import assert from "node:assert/strict";
import test from "node:test";
import { cellSeries, clamp, largest, lastUpTo, mean, meanOfLists, range } from "../../assets/js/common/maths.js";

test("the mean weighs every value alike", () => {
  assert.equal(mean([1, 2, 6]), 3);
  assert.equal(mean([-4]), -4);
  assert.ok(Number.isNaN(mean([])));
});

test("the mean of lists is taken entry by entry", () => {
  assert.deepEqual(
    meanOfLists([
      [1, 10],
      [3, 30],
    ]),
    [2, 20],
  );
});

test("clamp keeps what is inside and moves the rest to the nearest end", () => {
  assert.deepEqual(
    [-1, 0, 2, 5, 6].map((value) => clamp(value, 0, 5)),
    [0, 0, 2, 5, 5],
  );
  assert.equal(clamp(Infinity, 0, 5), 5);
});

test("range counts from 0", () => {
  assert.deepEqual(range(3), [0, 1, 2]);
  assert.deepEqual(range(0), []);
});

test("lastUpTo agrees with a linear search", () => {
  const sorted = [0, 0, 2, 5, 5, 9];
  for (let value = -1; value <= 10; value += 0.5) {
    assert.equal(
      lastUpTo(sorted, value),
      sorted.findLastIndex((entry) => entry <= value),
      `at ${value}`,
    );
  }
  assert.equal(lastUpTo([], 3), -1);
});

test("each cell's values over the frames, row after row", () => {
  const first = [
    [1, 2],
    [3, 4],
  ];
  const second = [
    [10, 20],
    [30, 40],
  ];
  assert.deepEqual(cellSeries([first, second]), [
    [1, 10],
    [2, 20],
    [3, 30],
    [4, 40],
  ]);
});

test("the largest value of several lists is never below the least one asked for", () => {
  assert.equal(largest([[1, 7], [3]], 0.5), 7);
  assert.equal(largest([[-1], [0]], 0.5), 0.5);
  assert.equal(largest([], 0.5), 0.5);
});
