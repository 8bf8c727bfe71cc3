// What the map of changes says that a method changes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { kindOf } from "../../assets/js/watch/panels/updates.js";

test("a map of changes is named after what the method changes", () => {
  const kinds = [
    ["lora", "weights"],
    ["loreft", "adapters"],
    ["ia3", "weights"],
    ["bias", "weights"],
  ];
  const named = kinds.map(([method, family]) => kindOf({ family, config: { method } }));
  assert.deepEqual(named, ["", ".states", ".activations", ".offsets"]);
});
