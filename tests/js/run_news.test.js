// The list of runs: what is told since a version, and what the page makes of it.
// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { newsOf } from "../../assets/js/page/run_news.js";

/** @import { RunNews, RunSummary } from "../../assets/js/types.js" */

/** @param {string} id @param {number} [step] */
const run = (id, step = 0) => /** @type {RunSummary} */ ({ id, step });

/** @param {(RunNews | undefined)[]} answers */
const told = (...answers) => {
  /** @type {string[]} */
  const asked = [];
  const listed = async (version) => {
    asked.push(version);
    return answers.shift();
  };
  const news = newsOf({ listed });
  return { asked, news };
};

test("changed runs replace their former selves, the others are the same objects", async () => {
  const { asked, news } = told(
    { version: "x.1", order: ["b", "a"], runs: [run("a"), run("b")] },
    { version: "x.2", order: null, runs: [run("b", 7)] },
  );
  assert.equal(await news.ask(), true);
  const [, a] = news.all();
  assert.equal(await news.ask(), true);
  assert.deepEqual(news.all(), [run("b", 7), run("a")]);
  assert.equal(news.all()[1], a);
  assert.deepEqual(asked, ["", "x.1"]);
});

test("a version that is known, or no answer, is no news", async () => {
  const { asked, news } = told(
    { version: "x.1", order: ["a"], runs: [run("a")] },
    { version: "x.1", order: null, runs: [] },
    undefined,
  );
  await news.ask();
  assert.equal(await news.ask(), false);
  assert.equal(await news.ask(), false);
  assert.deepEqual(news.all(), [run("a")]);
  assert.deepEqual(asked, ["", "x.1", "x.1"]);
});

test("a place that cannot be looked at is news, and so is that it can again", async () => {
  const same = { version: "x.1", order: null, runs: [] };
  const { news } = told(
    { version: "x.1", order: ["a"], runs: [run("a")], problems: [] },
    { ...same, problems: ["no route"] },
    { ...same, problems: ["no route"] },
    same,
  );
  await news.ask();
  assert.equal(await news.ask(), true);
  assert.deepEqual(news.problems(), ["no route"]);
  assert.equal(await news.ask(), false);
  assert.equal(await news.ask(), true);
  assert.deepEqual(news.problems(), []);
});

test("runs that are no longer in the order are gone", async () => {
  const { news } = told(
    { version: "x.1", order: ["b", "a"], runs: [run("a"), run("b")] },
    { version: "x.2", order: ["a"], runs: [] },
  );
  await news.ask();
  await news.ask();
  assert.equal(news.has("b"), false);
  assert.deepEqual(news.all(), [run("a")]);
});
