// What a tab of the browser keeps over a reload.

import assert from "node:assert/strict";
import test from "node:test";

/** A page whose tab kept a text before it was loaded. */
const opened = async (text) => {
  const kept = new Map(text ? [["form", text]] : []);
  globalThis.sessionStorage = {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => kept.set(name, value),
    removeItem: (name) => kept.delete(name),
  };
  const { keptAs } = await import("../../assets/js/page/kept.js");
  return { form: keptAs("form"), kept };
};

test("what is to be brought back stays kept until it is, and who waits for that goes on then", async () => {
  const { form, kept } = await opened("old");
  let settled = false;
  form.settled().then(() => {
    settled = true;
  });
  form.keep("what the page opens with");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual([form.former(), kept.get("form"), settled], ["old", "old", false]);
  form.restored();
  await form.settled();
  form.keep("new");
  assert.equal(kept.get("form"), "new");
});

test("where nothing was kept, nobody waits", async () => {
  const { form, kept } = await opened("");
  await form.settled();
  form.keep("new");
  assert.equal(kept.get("form"), "new");
});
