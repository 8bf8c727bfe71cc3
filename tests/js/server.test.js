// Answers of the server that come, fail, or never come.

import assert from "node:assert/strict";
import test from "node:test";
import { soonOf } from "../../assets/js/common/server.js";

test("an answer that comes soon is the answer", async () => {
  assert.equal(await soonOf(Promise.resolve("here"), 1000), "here");
});

test("a server that is suspended has not answered when the time is over", async () => {
  assert.equal(await soonOf(new Promise(() => {}), 5), undefined);
});

test("a server that cannot be reached has not answered", async () => {
  assert.equal(await soonOf(Promise.reject(new Error("gone")), 1000), undefined);
});
