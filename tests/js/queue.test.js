// The queue of runs: when each begins, and what each is, in words.
// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { aboutOf, whenOf } from "../../assets/js/page/queue.js";

/** @import { Queued } from "../../assets/js/types.js" */

const WORDS = {
  "queue.now": "now",
  "queue.next": "next",
  "queue.in": "in {left}",
  "queue.after": "after {n}",
  "queue.failed": "failed: {message}",
  "queue.steps": "{n} steps",
  "queue.until": "to {until} of {n}",
  "queue.owner": "of {owner}",
};
/** @param {Partial<Queued>} values */
const row = (values) =>
  /** @type {Queued} */ ({ state: "waiting", place: 0, begins_s: null, until: null, steps: 300, owner: "", ...values });

test("when a run begins is a time, a number of others, or why it does not", () => {
  assert.equal(whenOf(row({ state: "begun", place: null }), WORDS), "now");
  assert.equal(whenOf(row({ begins_s: 0 }), WORDS), "next");
  assert.equal(whenOf(row({}), WORDS), "next");
  assert.equal(whenOf(row({ place: 2 }), WORDS), "after 2");
  assert.equal(whenOf(row({ place: 2, begins_s: 130 }), WORDS), "in 2:10");
  assert.equal(whenOf(row({ state: "failed", place: null, message: "gone" }), WORDS), "failed: gone");
});

test("a run says its steps, and whose it is", () => {
  assert.equal(aboutOf(row({}), WORDS), "300 steps");
  assert.equal(aboutOf(row({ until: 30, owner: "ben" }), WORDS), "to 30 of 300 · of ben");
});
