// Watch, opened from other parts of the page.

import assert from "node:assert/strict";
import test from "node:test";
import { follow, setMounted, show } from "../../assets/js/watch/current.js";

test("a run that was opened before Watch was mounted is shown when it is, and later ones at once", async () => {
  const shown = [];
  const stage = { show: async (run) => shown.push(run), follow: async () => shown.push("live") };
  await show("one");
  await show("two");
  assert.deepEqual(shown, []);
  setMounted(stage);
  assert.deepEqual(shown, ["two"]);
  await show("three");
  await follow();
  setMounted(stage);
  assert.deepEqual(shown, ["two", "three", "live"]);
});
