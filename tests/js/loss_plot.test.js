import assert from "node:assert/strict";
import { test } from "node:test";
import { forgetting } from "../../assets/js/watch/panels/loss_plot.js";

const tapeOf = (...losses) => ({ all: () => losses.map((base_ability_loss) => ({ base_ability_loss })) });

test("forgetting is the rise of the loss on plain text since the first measurement", () => {
  const tape = tapeOf(0.5, 0.75, 0.25);
  assert.deepEqual(tape.all("eval").map(forgetting(tape)), [0, 0.25, -0.25]);
});

test("what was not measured is not forgotten", () => {
  assert.equal(forgetting(tapeOf(0.5, null))({ base_ability_loss: null }), null);
  assert.equal(forgetting(tapeOf(null, 0.5))({ base_ability_loss: 0.5 }), null);
  assert.equal(forgetting(tapeOf())(null), null);
});
