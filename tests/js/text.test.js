// Numbers, times, tokens and sentences as a person reads them.

import assert from "node:assert/strict";
import test from "node:test";
import { clock, figure, fill, lastPart, methodTitle, signed, tokenName } from "../../assets/js/common/text.js";

test("a number has three significant figures, and a real minus sign", () => {
  const read = [0, 1, 12.345, 123.45, 0.0123456, -2.5].map((value) => figure(value));
  assert.deepEqual(read, ["0", "1.00", "12.3", "123", "0.0123", "−2.50"]);
});

test("a change has its sign, unless it rounds to nothing", () => {
  assert.deepEqual([0.186, -0.021, -0.00235, 0.00002, 0].map(signed), ["+0.19", "−0.02", "0.00", "0.00", "0.00"]);
});

test("very small and very large numbers are written with an exponent", () => {
  assert.equal(figure(0.000123), "1.23e-4");
  assert.equal(figure(-0.000123), "−1.23e-4");
  assert.equal(figure(123456), "1.23e+5");
});

test("the number of significant figures can be chosen", () => {
  assert.equal(figure(0.98765, 2), "0.99");
  assert.equal(figure(1, 1), "1");
});

test("a missing number is a dash, never NaN", () => {
  assert.deepEqual(
    [null, undefined, Number.NaN].map((value) => figure(value)),
    ["–", "–", "–"],
  );
});

test("a duration shows hours only when there are some", () => {
  assert.deepEqual([0, 59.6, 61, 3599, 3600, 36061, -5].map(clock), [
    "0:00",
    "1:00",
    "1:01",
    "59:59",
    "1:00:00",
    "10:01:01",
    "0:00",
  ]);
});

test("placeholders are replaced, every time they occur", () => {
  assert.equal(fill("{a} of {b}, {a}", { a: 1, b: "two" }), "1 of two, 1");
});

test("a token of white space is made visible", () => {
  assert.deepEqual([" word ", "\n", " ", "a\nb"].map(tokenName), ["word", "⏎", "␣", "a⏎b"]);
});

test("the last part of a path or of a hub id, on any system", () => {
  assert.deepEqual(["plain", "org/name", "C:\\models\\base"].map(lastPart), ["plain", "name", "base"]);
});

test("a combination has the names of its parts", () => {
  const titles = { lora: "LoRA", prefix: "Prefix tuning" };
  assert.equal(
    methodTitle("lora+prefix", (name) => titles[name]),
    "LoRA + Prefix tuning",
  );
  assert.equal(
    methodTitle("unknown", (name) => titles[name]),
    "unknown",
  );
});
