// The line on the state of the run, in the top bar of Watch.

import assert from "node:assert/strict";
import test from "node:test";
import { runOptions, stateLine, waysOn } from "../../assets/js/watch/bar.js";
import { Tape } from "../../assets/js/watch/tape.js";
import { since } from "./answers.js";

const say = (key, values) => (values ? `${key} ${JSON.stringify(values)}` : key);
const lineOf = (facts, view = {}) => {
  const tape = new Tape("run-1");
  tape.take(since([["loss", 40]], facts));
  return stateLine({ tape, gone: false, ...view }, say);
};

test("each state of a run has its line, and the tab to go on with", () => {
  const told = ["paused", "stopped", "interrupted", "failed"].map((status) => lineOf({ status }));
  assert.deepEqual(told, [
    { kind: "note", text: "paused", to: "train" },
    { kind: "note", text: "stopped", to: "runs" },
    { kind: "note", text: "interrupted", to: "runs" },
    { kind: "error", text: "failed" },
  ]);
  assert.equal(lineOf({ status: "running" }).text, "");
});

test("a finished run tells whether it stopped early and kept an earlier state", () => {
  assert.match(lineOf({ status: "finished", kept: 40 }).text, /^finished \{"step":40/);
  assert.match(lineOf({ status: "finished", kept: 30 }).text, /^finished\.kept /);
  assert.match(lineOf({ status: "finished", kept: 30, early: true }).text, /^finished\.early\.kept .*"kept":30/);
  assert.equal(lineOf({ status: "finished", recording: true }).text, "", "a recording needs no line");
});

test("a finished run tells what it came to, and where nothing was learned, to try something else", () => {
  const score = { name: "exact_match", value: 0.92, baseline: 0.1, against: "untuned", rows: 50 };
  const learned = lineOf({ status: "finished", kept: 40, score });
  assert.match(learned.text, /score\.untuned \{"score":"unit.share \{\\"value\\":92\}".*"rows":50\}$/);
  assert.equal(learned.to, "chat");
  const little = lineOf({ status: "finished", kept: 40, score: { ...score, value: 0.12 } });
  assert.match(little.text, /score\.little$/);
  assert.deepEqual([little.to, little.label], ["train", "next.retry"]);
  assert.match(lineOf({ status: "finished", kept: 40 }).text, /score\.none$/);
});

test("where questions list facts, the end of a run tells how many are said", () => {
  const score = { name: "bleu", value: 76, baseline: 1, against: "untuned", rows: 50 };
  const told = lineOf({ status: "finished", kept: 40, score: { ...score, facts: 97.6, facts_baseline: 4.2 } });
  assert.match(told.text, /"rows":50\} score\.facts \{"share":98,"baseline":4\}$/);
  assert.doesNotMatch(lineOf({ status: "finished", kept: 40, score }).text, /score\.facts/);
});

test("where another method was measured to reach much more, the end of a run names it", () => {
  const score = { name: "exact_match", value: 0, baseline: 0, against: "untuned", rows: 50 };
  const better = { method: "lora", title: "LoRA", score: "93 % right" };
  const facts = { status: "finished", kept: 40, better };
  const poor = lineOf({ ...facts, score });
  assert.match(poor.text, /score\.little score\.better \{.*"title":"LoRA","score":"93 % right"\}$/);
  assert.equal(poor.to, "train");
  assert.match(poor.label, /^next\.retry\.better .*"title":"LoRA"/);
  const some = lineOf({ ...facts, score: { ...score, value: 0.4 } });
  assert.match(some.text, /score\.better/);
  assert.equal(some.to, "chat");
  const same = lineOf({ ...facts, score, config: { method: "lora" } });
  assert.match(same.text, /score\.little score\.defaults/);
  assert.equal(same.label, "next.retry");
});

test("a run that answers test rows says so while the server tells it", () => {
  const live = { status: "running", run: "run-1", scoring: true };
  const tape = new Tape("run-1");
  tape.take(since([["loss", 40]], { status: "running" }));
  assert.deepEqual(stateLine({ tape, gone: false }, say, live), { kind: "wait", text: "scoring" });
  assert.equal(stateLine({ tape, gone: false }, say, { ...live, run: "run-2" }).text, "");
});

test("a run without anything to show yet says what it does, and how far its warm-up is", () => {
  const empty = new Tape("run-1");
  empty.take(since([], { status: "running" }));
  assert.deepEqual(stateLine({ tape: empty, gone: false }, say, { warming: 0.337 }), {
    kind: "wait",
    text: 'warming {"share":34}',
  });
  assert.equal(stateLine({ tape: empty, gone: false }, say, { warming: null }).text, "setting_up");
  assert.equal(stateLine({ tape: empty, gone: false }, say).text, "setting_up");
});

test("a failed run says why, if it is known", () => {
  assert.equal(lineOf({ status: "failed", message: "out of memory" }).text, "out of memory");
});

test("a run that has diverged says so while it goes on and after its end", () => {
  const [running, finished] = ["running", "finished"].map((status) => lineOf({ status, message: "diverged" }));
  assert.deepEqual(running, { kind: "error", text: "diverged", to: "train" });
  assert.deepEqual(finished, { kind: "error", text: "diverged", to: "train" });
});

test("a run that waits for room on the disk says so", () => {
  assert.deepEqual(lineOf({ status: "waiting" }), { kind: "error", text: "waiting", to: "train" });
});

test("a server that cannot be reached comes before all else", () => {
  assert.equal(lineOf({ status: "paused" }, { gone: true }).kind, "gone");
});

test("a run of one's own can go on from where it stands", () => {
  const runs = [{ id: "run-1", drives: true }];
  const wayOf = (facts, mine = runs) => {
    const tape = new Tape("run-1");
    tape.take(since([["loss", 40]], facts));
    return waysOn({ tape, runs: mine, gone: false });
  };
  const ways = ["paused", "stopped", "interrupted", "failed", "finished", "running"].map((status) => wayOf({ status }));
  assert.deepEqual(ways, ["paused", "stopped", "stopped", "stopped", "finished", ""]);
  assert.equal(wayOf({ status: "finished", early: true }), "");
  assert.equal(wayOf({ status: "finished", recording: true }), "");
  assert.equal(wayOf({ status: "stopped" }, [{ id: "run-1", drives: false }]), "");
  assert.equal(wayOf({ status: "stopped" }, []), "");
});

test("a run that another process trains is not driven from here, and its line says so", () => {
  const tape = new Tape("run-1");
  tape.take(since([["loss", 40]], { status: "paused" }));
  const view = { tape, runs: [{ id: "run-1" }], gone: false };
  const [here, elsewhere] = [{ run: "run-1" }, { run: null }];
  assert.deepEqual([waysOn(view, here), waysOn(view, elsewhere)], ["paused", ""]);
  assert.deepEqual(stateLine(view, say, elsewhere), { kind: "note", text: "paused.elsewhere" });
  assert.equal(stateLine(view, say, here).text, "paused");
});

test("runs of one name tell when they were begun, others do not", () => {
  const created = new Date(2026, 10, 29, 7, 5).getTime() / 1000;
  const runs = ["a", "b", "c"].map((id, i) => ({
    ...{ id, name: i < 2 ? "LoRA" : "Prefix", status: "finished", recording: false, drives: true },
    created: created + 86_400 * i,
  }));
  const recorded = { ...runs[0], id: "r", recording: true };
  assert.deepEqual(runOptions([...runs, recorded], say), [
    ["a", "LoRA  ·  11-29 07:05  ·  status.finished"],
    ["b", "LoRA  ·  11-30 07:05  ·  status.finished"],
    ["c", "Prefix  ·  status.finished"],
    ["r", "LoRA  ·  recording"],
  ]);
});
