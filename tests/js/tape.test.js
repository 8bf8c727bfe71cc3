// A run as the page knows it.

import assert from "node:assert/strict";
import test from "node:test";
import { pull, Tape } from "../../assets/js/watch/tape.js";
import { since } from "./answers.js";

const taped = (events, facts) => {
  const tape = new Tape("run-1");
  tape.take(since(events, facts));
  return tape;
};

test("the newest event of a kind that is not later than a step", () => {
  const tape = taped([
    ["gates", 0],
    ["loss", 5],
    ["gates", 10],
  ]);
  assert.equal(tape.at("gates", 9).step, 0);
  assert.equal(tape.at("gates", 10).step, 10);
  assert.equal(tape.at("gates", 1000).step, 10);
  assert.equal(tape.at("loss", 4), null);
  assert.equal(tape.at("sample", 4), null);
});

test("frames stand at the steps of pictures, and at the last step of all", () => {
  const tape = taped([
    ["started", 0],
    ["loss", 1],
    ["gates", 2],
    ["eval", 2],
    ["loss", 3],
    ["gates", 4],
    ["loss", 7],
  ]);
  assert.deepEqual(tape.positions, [2, 4, 7]);
  assert.equal(tape.last, 7);
});

test("frames are in the order of steps even if the events were not", () => {
  const tape = taped([
    ["gates", 10],
    ["moved", 5],
  ]);
  assert.deepEqual(tape.positions, [5, 10]);
});

test("the frame nearest to a step, the earlier one when both are as near", () => {
  const tape = taped([
    ["gates", 0],
    ["gates", 10],
    ["gates", 100],
  ]);
  assert.deepEqual(
    [0, 4, 5, 6, 54, 56, 1000].map((step) => tape.position(step)),
    [0, 0, 0, 1, 1, 2, 2],
  );
});

test("news are added to what is known", () => {
  const tape = taped([["gates", 0]]);
  tape.take(since([["gates", 10]], { cursor: 2 }));
  assert.equal(tape.all("gates").length, 2);
  assert.deepEqual(tape.stepsOf("gates"), [0, 10]);
  assert.equal(tape.cursor, 2);
});

test("another epoch begins again from nothing: the run's file was written anew", () => {
  const tape = taped([
    ["gates", 0],
    ["gates", 50],
  ]);
  tape.take(since([["gates", 3]], { epoch: 2 }));
  assert.deepEqual(tape.stepsOf("gates"), [3]);
  assert.deepEqual(tape.positions, [3]);
  assert.equal(tape.last, 3);
});

test("the key changes exactly when there is something new to draw", () => {
  const tape = taped([["gates", 0]], { cursor: 10 });
  const before = tape.key;
  tape.take(since([], { status: "paused", cursor: 10 }));
  assert.equal(tape.key, before);
  assert.equal(tape.status, "paused");
  tape.take(since([["loss", 1]], { cursor: 20 }));
  assert.notEqual(tape.key, before);
});

test("a run that is opened again is drawn again where more of it is known", () => {
  const before = taped([["loss", 1]], { cursor: 10 });
  const events = [
    ["loss", 1],
    ["loss", 2],
  ];
  assert.notEqual(taped(events, { cursor: 20 }).key, before.key, "both took in one answer");
  assert.equal(taped([["loss", 1]], { cursor: 10 }).key, before.key);
  assert.notEqual(taped([["loss", 1]], { cursor: 10, epoch: 2 }).key, before.key);
});

test("the axis of steps ends at the planned last step, or later if the run went on", () => {
  assert.equal(taped([["loss", 3]], { steps: 100 }).end, 100);
  assert.equal(taped([["loss", 130]], { steps: 100 }).end, 130);
  assert.equal(taped([], { steps: 0 }).end, 1);
});

test("a line of a chart has one value per event, and its style", () => {
  const tape = taped([
    ["loss", 1, { loss: 2 }],
    ["loss", 2, { loss: 1 }],
  ]);
  const line = tape.series("loss", (event) => event.loss, { colour: "tuned" });
  assert.deepEqual(line, { steps: [1, 2], values: [2, 1], colour: "tuned" });
});

test("a run is active until it has ended", () => {
  const active = ["loading", "running", "paused", "stopping"];
  for (const status of active) assert.ok(taped([], { status }).active, status);
  for (const status of ["finished", "failed", "stopped", "interrupted"])
    assert.ok(!taped([], { status }).active, status);
});

test("pull asks on from the cursor until there is no more", async () => {
  const asked = [];
  const answers = [since([["gates", 0]], { cursor: 10, more: true }), since([["gates", 1]], { cursor: 20 })];
  const server = { since: async (question) => asked.push(question) && answers.shift() };
  const tape = new Tape("run-1");
  assert.equal(await pull(server, tape), true);
  assert.deepEqual(asked, [
    { run: "run-1", cursor: 0, epoch: null },
    { run: "run-1", cursor: 10, epoch: 1 },
  ]);
  assert.deepEqual(tape.stepsOf("gates"), [0, 1]);
  assert.ok(tape.loaded);
});

test("pull tells a server that cannot be reached from one that refuses", async () => {
  const tape = new Tape("run-1");
  const unreachable = { since: () => Promise.reject(new Error("gone")) };
  assert.equal(await pull(unreachable, tape), false);
  assert.equal(await pull({ since: async () => undefined }, tape), false);
  assert.equal(tape.error, "");
  assert.equal(await pull({ since: async () => ({ error: "no such run" }) }, tape), true);
  assert.equal(tape.error, "no such run");
  await pull({ since: async () => since([]) }, tape);
  assert.equal(tape.error, "", "an answer clears the error");
});
