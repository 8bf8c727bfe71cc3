// What the server is doing: told to every listener, also when it does not tell any more.

import assert from "node:assert/strict";
import { test } from "node:test";
import { paced, publishLive, subscribeLive } from "../../assets/js/common/live.js";

test("work of which nothing is told any more is gone until something is told again; a hidden page asks nothing", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  t.after(() => delete globalThis.document);
  const told = [];
  publishLive({ status: "idle" }, 100);
  subscribeLive({ isConnected: true }, ({ status, step }) => told.push([status, step]));
  t.mock.timers.tick(500);
  publishLive({ status: "running", step: 7 }, 100);
  t.mock.timers.tick(99);
  publishLive({ status: "running", step: 8 }, 100);
  document.visibilityState = "hidden";
  t.mock.timers.tick(350);
  document.visibilityState = "visible";
  assert.deepEqual(told, [
    ["idle", undefined],
    ["running", 7],
    ["running", 8],
  ]);
  t.mock.timers.tick(500);
  publishLive({ status: "running", step: 9 }, 100);
  assert.deepEqual(told.slice(3), [
    ["gone", 8],
    ["running", 9],
  ]);
});

test("the more pages are open, the less often each asks, but at least every five seconds what it asked before", () => {
  globalThis.document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const pauses = [1, 30, 200].map((pages) => {
    publishLive({ status: "idle", pages });
    return [paced(500), paced(4000), paced(20_000)];
  });
  delete globalThis.document;
  assert.deepEqual(pauses, [
    [500, 4000, 20_000],
    [3000, 4000, 20_000],
    [5000, 5000, 20_000],
  ]);
});
