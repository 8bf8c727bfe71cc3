// The names in the picture of the method zoo: inside of it, and legible.

import assert from "node:assert/strict";
import test from "node:test";
import { nameFits, placesOf } from "../../assets/js/page/zoo_names.js";

const EDGES = { right: 500, top: 300 };
const mark = (across, up, name = "LoRA", radius = 5) => ({ across, up, radius, name });

const sides = (named, marks = named) => placesOf(named, marks, EDGES);

test("a name that would end outside of the picture is left to the legend", () => {
  const fits = (across, up, name = "LLaMA-Adapter") => nameFits(mark(across, up, name, 0), 0, EDGES);
  assert.deepEqual([fits(400, 200), fits(450, 200), fits(400, 250)], [true, false, false]);
  assert.ok(fits(450, 200, "LoRA"));
  assert.ok(!fits(440, 200, "偏置微调偏置（BitFit）"), "Chinese letters are as wide as two");
});

test("the names of marks that are close stand apart, those of others beside their marks", () => {
  const [first, second] = sides([mark(100, 100), mark(102, 100)]);
  assert.deepEqual(first, { side: "above", moved: 0 });
  assert.ok(second.moved > 15, `${second.moved}`);
  assert.deepEqual(
    sides([mark(100, 100), mark(300, 100)]).map((one) => one.moved),
    [0, 0],
  );
});

test("no name runs over the mark of another method: it stands below its own, or in the legend alone", () => {
  const [one, behind] = [mark(100, 100), mark(130, 130, "Prompt tuning", 12)];
  assert.deepEqual(
    sides([one, behind]).map((stands) => stands.side),
    ["below", "above"],
  );
  assert.equal(sides([one], [one, behind, mark(80, 70)])[0].side, "legend", "there is a mark below, too");
  assert.equal(sides([mark(20, 100), mark(50, 130, "LoRA", 12)])[0].side, "legend", "or the edge");
  assert.equal(sides([one], [one, mark(60, 60), mark(170, 110)])[0].side, "above");
});
