// The player: moves along the frames of a run, by itself or by keys.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { NOTHING_PICKED } from "../../assets/js/watch/cursor.js";
import { createPlayer } from "../../assets/js/watch/player.js";
import { Tape } from "../../assets/js/watch/tape.js";
import { since } from "./answers.js";

const STEPS = [0, 1, 2, 5, 10, 20, 50, 100];
let listeners;
let frame;

beforeEach(() => {
  listeners = [];
  frame = null;
  globalThis.document = {
    body: { closest: () => null },
    addEventListener: (_, listener) => listeners.push(listener),
    removeEventListener: (_, listener) => {
      listeners = listeners.filter((one) => one !== listener);
    },
  };
  globalThis.requestAnimationFrame = (callback) => {
    frame = callback;
  };
});

/** A stage whose view is at a step of a run with eight frames. */
const staged = (step = 0, status = "running") => {
  const tape = new Tape("run-1");
  tape.take(
    since(
      STEPS.map((at) => ["gates", at]),
      { status },
    ),
  );
  const view = { tape, step, playing: false, following: true, hover: { layer: 1 }, ...NOTHING_PICKED };
  const stage = {
    view,
    made: 0,
    element: { isConnected: true, offsetParent: {}, contains: () => false },
    set: (change) => Object.assign(view, change),
    oneStep: async () => {
      stage.made += 1;
    },
  };
  return stage;
};

/** Let time pass up to a moment; returns whether the player has asked for another frame of the screen. */
const paint = (now) => {
  const due = frame;
  frame = null;
  due?.(now);
  return frame !== null;
};

const press = (key, target = document.body, more = {}) => {
  let prevented = false;
  const event = { key, target, ...more, preventDefault: () => (prevented = true) };
  for (const listener of [...listeners]) listener(event);
  return prevented;
};

/** An element that only matches selectors with this in them. */
const within = (name) => ({ closest: (selector) => (selector.includes(name) ? {} : null) });

test("a move stays within the frames, and stops following and playing", () => {
  const { view, ...rest } = staged(5);
  const player = createPlayer({ view, ...rest });
  view.playing = true;
  player.move(1);
  assert.deepEqual([view.step, view.playing, view.following], [10, false, false]);
  player.move(-100);
  assert.equal(view.step, 0);
  player.go(Infinity);
  assert.equal(view.step, 100);
});

test("a run without frames leaves the step as it is", () => {
  const stage = staged(7);
  stage.view.tape = new Tape("empty");
  createPlayer(stage).go(3);
  assert.equal(stage.view.step, 7);
});

test("playing once shows every frame for an eighth of eight seconds, in order, and ends at the last", () => {
  const stage = staged(50);
  createPlayer(stage).once();
  assert.equal(stage.view.playing, true);
  const shown = [];
  let now = 1000;
  for (; paint(now); now += 100) {
    if (shown.at(-1) !== stage.view.step) shown.push(stage.view.step);
    assert.ok(now < 10_000, "it never ends");
  }
  assert.deepEqual([...shown, stage.view.step], STEPS);
  assert.equal(now, 1000 + 7000, "the last of eight frames begins after seven eighths of the time");
  assert.equal(stage.view.playing, false);
});

test("playing goes on from the shown frame, and from the first when it is the last", () => {
  const stage = staged(20);
  const player = createPlayer(stage);
  player.toggle();
  paint(1000);
  assert.equal(stage.view.step, 20);
  player.toggle();
  assert.equal(stage.view.playing, false);
  assert.equal(paint(1100), false, "a paused player asks for no frame of the screen");
  stage.view.step = 100;
  player.toggle();
  paint(2000);
  assert.equal(stage.view.step, 0);
});

test("arrows, Home and End move; the space bar plays", () => {
  const stage = staged(5);
  createPlayer(stage);
  const steps = ["ArrowRight", "ArrowLeft", "ArrowLeft", "End", "Home"].map((key) => {
    assert.ok(press(key));
    return stage.view.step;
  });
  assert.deepEqual(steps, [10, 5, 2, 100, 0]);
  press(" ");
  assert.equal(stage.view.playing, true);
});

test("Escape releases what was picked and hovered", () => {
  const stage = staged(5);
  createPlayer(stage);
  Object.assign(stage.view, { layer: 2, head: 3, token: 4, row: 2 });
  press("Escape");
  const { layer, head, token, row, hover } = stage.view;
  assert.deepEqual([layer, head, token, row, hover], [null, null, null, null, null]);
});

test("a full stop makes one step of an active run, and of no other", () => {
  const active = staged(0, "paused");
  createPlayer(active);
  press(".");
  assert.equal(active.made, 1);
  listeners = [];
  const ended = staged(0, "finished");
  createPlayer(ended);
  press(".");
  assert.equal(ended.made, 0);
});

test("keys are left alone while a person types, but for Escape", () => {
  const stage = staged(5);
  stage.element.contains = () => true;
  createPlayer(stage);
  assert.equal(press("ArrowRight", within("textarea")), false);
  assert.equal(stage.view.step, 5);
  assert.ok(press("Escape", within("textarea")));
});

test("the space bar presses the button that has the focus, and does not play", () => {
  const stage = staged(5);
  stage.element.contains = () => true;
  createPlayer(stage);
  assert.equal(press(" ", within("button")), false);
  assert.equal(stage.view.playing, false);
});

test("keys elsewhere on the page, in a hidden tab or with a modifier do nothing", () => {
  const stage = staged(5);
  createPlayer(stage);
  assert.equal(press("ArrowRight", within("nothing")), false);
  assert.equal(press("ArrowRight", document.body, { ctrlKey: true }), false);
  stage.element.offsetParent = null;
  assert.equal(press("ArrowRight"), false);
  assert.equal(stage.view.step, 5);
});

test("a view that has left the page no longer listens", () => {
  const stage = staged(5);
  createPlayer(stage);
  stage.element.isConnected = false;
  press("ArrowRight");
  assert.equal(listeners.length, 0);
  assert.equal(stage.view.step, 5);
});
