// The menu of methods: what letters lead to.

import assert from "node:assert/strict";
import test from "node:test";
import { typedTo } from "../../assets/js/page/picker.js";

const TITLES = ["LLaMA-Adapter", "Prefix tuning", "Prompt tuning", "P-tuning", "Adapters", "AdaMix", "LoRA"];

test("several letters lead to the title that they begin, from wherever one is", () => {
  assert.equal(typedTo("lora", TITLES, 4), 6);
  assert.equal(typedTo("LO", TITLES, 6), 6);
  assert.equal(typedTo("pro", TITLES, 1), 2);
});

test("one letter goes on to the next title that it begins, and around", () => {
  assert.equal(typedTo("l", TITLES, 0), 6);
  assert.equal(typedTo("l", TITLES, 6), 0);
});

test("a later word of a title is found, and nothing moves where there is none", () => {
  assert.equal(typedTo("tun", TITLES, 0), 1);
  assert.equal(typedTo("x", TITLES, 3), 3);
});
