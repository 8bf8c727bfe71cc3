// In which column a panel stands.

import assert from "node:assert/strict";
import test from "node:test";
import { decades } from "../../assets/js/common/text.js";
import { columnCount, columnsOf } from "../../assets/js/watch/columns.js";

const LORA = [
  { side: "left", tall: 440 },
  { side: "right", tall: 390 },
  { side: "left", tall: 480 },
  { side: "right", tall: 250 },
  { side: "right", tall: 330 },
  { side: "right", tall: 130 },
];
const heights = (panels, count) => {
  const sums = Array(count).fill(0);
  columnsOf(panels, count).forEach((column, i) => {
    sums[column] += panels[i].tall;
  });
  return sums;
};

test("panels keep their side while it is about as tall as the other, and go where there is room otherwise", () => {
  assert.deepEqual(columnsOf(LORA, 2).slice(0, 5), [0, 1, 0, 1, 1]);
  for (const count of [2, 3]) {
    const sums = heights(LORA, count);
    assert.ok(Math.max(...sums) - Math.min(...sums) < 200, String(sums));
  }
  const crowded = Array(6).fill({ side: "left", tall: 400 });
  assert.deepEqual(heights(crowded, 2), [1200, 1200]);
});

test("a phone has one column, a wide screen three, a hidden page none", () => {
  assert.deepEqual([0, 390, 1216, 1800].map(columnCount), [0, 1, 2, 3]);
});

test("an axis of powers of ten holds its values and has few marks", () => {
  assert.deepEqual(decades([-0.2, -2.5]), { low: -3, high: 0, marks: [-3, -2, -1, 0] });
  const { low, high, marks } = decades([-8, 1.2]);
  assert.ok(low <= -8 && high >= 1.2 && marks.length <= 5);
  assert.deepEqual(decades([]), { low: 0, high: 1, marks: [0, 1] });
});
