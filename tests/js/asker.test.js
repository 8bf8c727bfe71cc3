// Questions to the server while the cursor moves.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createAsker } from "../../assets/js/watch/asker.js";

const question = (step, run = "run-1") => ({ query: "probe", run, step, last: false, sentence: "who?" });

/** An asker with time under control, what it asked, and what it received. */
const asking = (t, answer = async ({ step }) => ({ kind: "prompts", step })) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = 10_000;
  t.mock.method(performance, "now", () => now);
  const asked = [];
  const received = [];
  const state = { textContent: "", dataset: {} };
  const server = {
    ask: (one) => {
      asked.push(one.step);
      return answer(one);
    },
  };
  const ask = createAsker({ server, common: (key) => key }, state, (report) => received.push(report.step));
  const pass = async (ms) => {
    now += ms;
    t.mock.timers.tick(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { ask, asked, received, state, pass };
};

test("only the last of several quick questions is asked", async (t) => {
  const { ask, asked, received, pass } = asking(t);
  for (const step of [1, 2, 3]) ask(question(step), false);
  await pass(250);
  assert.deepEqual(asked, [3]);
  assert.deepEqual(received, [3]);
});

test("the same question is not asked twice, and a known answer comes at once", async (t) => {
  const { ask, asked, received, pass } = asking(t);
  ask(question(1), false);
  await pass(250);
  ask(question(1), false);
  ask(question(2), false);
  await pass(250);
  ask(question(1), false);
  assert.deepEqual(asked, [1, 2]);
  assert.deepEqual(received, [1, 2, 1]);
});

test("while steps pass by, questions are more than a second apart", async (t) => {
  const { ask, asked, pass } = asking(t);
  for (let step = 0; step < 40; step += 1) {
    ask(question(step), true);
    await pass(100);
  }
  assert.ok(asked.length >= 3 && asked.length <= 4, `asked ${asked.length} times in 4 s`);
});

test("an answer about a run that is no longer shown is dropped", async (t) => {
  let reply;
  const { ask, received, pass } = asking(t, () => new Promise((resolve) => (reply = resolve)));
  ask(question(1, "run-1"), false);
  await pass(250);
  ask(question(1, "run-2"), false);
  reply({ kind: "prompts", step: 1 });
  await pass(0);
  assert.deepEqual(received, []);
});

test("a refusal is said, and not remembered", async (t) => {
  const { ask, asked, received, state, pass } = asking(t, async () => ({ error: "too long" }));
  ask(question(1), false);
  await pass(250);
  assert.deepEqual([state.textContent, state.dataset.kind, received.length], ["too long", "error", 0]);
  ask(question(2), false);
  await pass(250);
  ask(question(1), false);
  await pass(250);
  assert.deepEqual(asked, [1, 2, 1]);
});

test("a refusal stays however often the panel is drawn, until something else is asked", async (t) => {
  const refused = (/** @type {{step: number}} */ { step }) =>
    step === 1 ? { error: "too long" } : { kind: "prompts" };
  const { ask, state, pass } = asking(t, async (question) => refused(question));
  ask.tell("waiting");
  assert.deepEqual([state.textContent, state.dataset.kind], ["waiting", ""]);
  ask(question(1), false);
  await pass(250);
  ask(question(1), false);
  ask.tell("an older answer");
  assert.deepEqual([state.textContent, state.dataset.kind], ["too long", "error"]);
  ask(question(2), false);
  ask.tell("an older answer");
  assert.deepEqual([state.textContent, state.dataset.kind], ["an older answer", ""]);
});

test("a late refusal of what is no longer asked says nothing", async (t) => {
  let reply;
  const { ask, state, pass } = asking(t, () => new Promise((resolve) => (reply = resolve)));
  ask(question(1), false);
  await pass(250);
  ask(question(2), false);
  ask.tell("an older answer");
  reply({ error: "too long" });
  await pass(0);
  ask.tell("an older answer");
  assert.equal(state.textContent, "an older answer");
});

test("a server that cannot be reached is said", async (t) => {
  const { ask, state, pass } = asking(t, () => Promise.reject(new Error("offline")));
  ask(question(1), false);
  await pass(250);
  assert.equal(state.textContent, "asks.gone");
});
