// The names in the picture of the method zoo: inside of it, and legible.

import assert from "node:assert/strict";
import test from "node:test";
import { placesOf } from "../../assets/js/page/zoo_names.js";

const EDGES = { right: 500, top: 300 };
const mark = (across, up, name = "LoRA", radius = 5) => ({ across, up, radius, name });

/** How each name stands: slanted or level, and at which of its ends its mark is; or only in the legend. */
const ways = (named, discs = named) =>
  placesOf(named, discs, EDGES).map((stand) =>
    stand ? `${stand.angle ? "slanted" : "level"} ${stand.yanchor}-${stand.xanchor}` : "legend",
  );

const ABOVE = "slanted bottom-left";
const BELOW = "slanted top-right";
const RIGHT = "level middle-left";
const LEFT = "level middle-right";

test("where there is room a name rises from its mark", () => {
  assert.deepEqual(ways([mark(100, 100), mark(300, 100)]), [ABOVE, ABOVE]);
});

test("a name stays within the picture", () => {
  assert.deepEqual(ways([mark(400, 200, "LLaMA-Adapter")]), [ABOVE]);
  assert.deepEqual(ways([mark(450, 200, "LLaMA-Adapter")]), [BELOW], "too far to the right");
  assert.deepEqual(ways([mark(400, 250, "LLaMA-Adapter")]), [BELOW], "too high");
  assert.deepEqual(ways([mark(20, 280, "LLaMA-Adapter")]), [RIGHT], "in the corner");
  assert.deepEqual(ways([mark(490, 20, "LLaMA-Adapter")]), [LEFT], "in the other corner");
  assert.deepEqual(
    ways([mark(445, 200, "偏置微调（BitFit）")]),
    [ABOVE],
    "of a Chinese name its English one is left out",
  );
  assert.deepEqual(ways([mark(445, 200, "偏置微调偏置")]), [BELOW], "Chinese letters are wide");
});

test("no name runs over the mark of another method", () => {
  assert.deepEqual(ways([mark(100, 100), mark(130, 130, "Prompt tuning", 12)]), [BELOW, ABOVE]);
  const around = [mark(125, 121, "", 12), mark(75, 79, "", 12)];
  assert.deepEqual(ways([mark(100, 100)], [mark(100, 100), ...around].slice(1)), [RIGHT]);
  const beset = [...around, mark(130, 100), mark(70, 100), mark(100, 120), mark(100, 80)];
  beset.push(mark(120, 85), mark(80, 115));
  assert.deepEqual(ways([mark(100, 100)], beset), ["legend"]);
});

test("no name runs over another one, and who has the least choice chooses first", () => {
  const [first, second] = ways([mark(100, 100), mark(104, 100)]);
  assert.notEqual(first, second);
  assert.deepEqual(ways([mark(250, 150), mark(470, 295)]), [ABOVE, BELOW]);
});

test("marks in a row all have their names beside them", () => {
  const row = Array.from({ length: 18 }, (_, n) => mark(20 + 26 * n, 150, "P-tuning v2"));
  assert.ok(
    ways(row).every((way) => way !== "legend"),
    String(ways(row)),
  );
});
