// The files of assets/js as a whole.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../assets/js", import.meta.url));
const FILES = readdirSync(ROOT, { recursive: true })
  .map((name) => join(ROOT, name))
  .filter((name) => name.endsWith(".js"));
const SOURCES = new Map(FILES.map((name) => [name, readFileSync(name, "utf-8")]));
const IMPORT = /^(?:import|export)\s[^;]*?from "([^"]+)";$/gm;
const importsOf = (name) =>
  [...SOURCES.get(name).matchAll(IMPORT)].map(([, path]) => normalize(join(dirname(name), path)));

/** All files that a file needs, itself included; fails on a circle. */
const reach = (name, path = [], seen = new Set()) => {
  assert.ok(!path.includes(name), `a circle: ${[...path, name].join(" -> ")}`);
  assert.ok(SOURCES.has(name), `${path.at(-1)} imports ${name}, which is not there`);
  if (!seen.has(name)) for (const next of importsOf(name)) reach(next, [...path, name], seen);
  return seen.add(name);
};

test("main.js leads to every file but those of types, and never in a circle", () => {
  const needed = reach(join(ROOT, "main.js"));
  const unused = FILES.filter((name) => !needed.has(name) && !name.endsWith("types.js"));
  assert.deepEqual(unused, []);
});

test("every file says what it is for, and asks TypeScript to check it", () => {
  for (const [name, source] of SOURCES) assert.match(source, /^\/\/ \S.*\n\/\/ @ts-check\n/, name);
});

test("no file touches the global scope", () => {
  for (const [name, source] of SOURCES) assert.doesNotMatch(source, /\b(?:window|globalThis)\.\w+ \??\??=[^=]/, name);
});

test("common files need nothing of the page or of Watch", () => {
  for (const name of FILES.filter((one) => one.includes("/common/"))) {
    for (const needed of importsOf(name)) assert.match(needed, /\/common\//, name);
  }
});
