// The names in the picture of the method zoo: inside of it, and legible.

import assert from "node:assert/strict";
import test from "node:test";
import { nameFits, shifts } from "../../assets/js/page/zoo_names.js";

const mark = (across, up, name = "LoRA", radius = 5) => ({ across, up, radius, name });

test("a name that would end outside of the picture is left to the legend", () => {
  const edges = { right: 500, top: 300 };
  const fits = (across, up, name = "LLaMA-Adapter") => nameFits(mark(across, up, name, 0), 0, edges);
  assert.deepEqual([fits(400, 200), fits(450, 200), fits(400, 250)], [true, false, false]);
  assert.ok(fits(450, 200, "LoRA"));
  assert.ok(!fits(440, 200, "偏置微调偏置（BitFit）"), "Chinese letters are as wide as two");
});

test("the names of marks that are close stand apart, those of others beside their marks", () => {
  const [first, second] = shifts([mark(100, 100), mark(102, 100)]);
  assert.equal(first, 0);
  assert.ok(second > 15, `${second}`);
  assert.deepEqual(shifts([mark(100, 100), mark(300, 100)]), [0, 0]);
});

test("no name runs over the mark of another method, named or not", () => {
  const [one, behind] = [mark(100, 100), mark(130, 130, "Prompt tuning", 12)];
  const [moved] = shifts([one], [one, behind]);
  assert.ok(moved > 20, `${moved}`);
  const [first, second] = shifts([one, behind]);
  assert.deepEqual([first > 20, second], [true, 0]);
  assert.deepEqual(shifts([one], [one, mark(60, 60), mark(170, 110)]), [0]);
});
