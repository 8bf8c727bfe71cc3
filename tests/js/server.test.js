// Answers of the server that come, fail, or never come.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
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

test("whatever is asked of the server has a limit of time, but questions about a run, which may take long", () => {
  const root = "assets/js";
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));
  const calls = files.flatMap((name) =>
    [...readFileSync(join(root, name), "utf8").matchAll(/(.{0,7})\b(?:ctx\.)?server\.(\w+)\(/g)].map(
      ([, before, asked]) => ({ name, before, asked }),
    ),
  );
  assert.ok(calls.length > 20);
  const unlimited = calls.filter(({ before, asked }) => asked !== "ask" && !before.endsWith("soonOf("));
  assert.deepEqual(unlimited, []);
});
