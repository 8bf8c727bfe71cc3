// The stream of Gradio's events, where the server's word of its end crosses the next event on the way.
// @ts-check

import assert from "node:assert/strict";
import { test } from "node:test";

import { keepAnswers } from "../../assets/js/common/event_stream.js";

const JOIN = "http://127.0.0.1:7860/gradio_api/queue/join?";
const DATA = "http://127.0.0.1:7860/gradio_api/queue/data?session_hash=x";

/** @param {object} message */
const sent = (message) => `data: ${JSON.stringify(message)}\n\n`;
/** @param {string} event */
const completed = (event) => sent({ msg: "process_completed", event_id: event, output: "答" });
const CLOSE = sent({ msg: "close_stream" });

/**
 * A window whose server gives these streams one after another, and events the ids "1", "2", …
 *
 * @param {ReadableStream[]} streams
 */
const windowWith = (streams) => {
  let joins = 0;
  /** @type {string[]} */
  const asked = [];
  /** @type {(input: RequestInfo | URL, init?: RequestInit) => Promise<Response>} */
  const fetch = async (input) => {
    const address = input instanceof Request ? input.url : String(input);
    asked.push(address);
    if (address === JOIN) return Response.json({ event_id: String(++joins) });
    return address === DATA ? new Response(streams.shift()) : new Response("other");
  };
  const scope = { fetch };
  keepAnswers(scope);
  return { scope, asked, join: async () => (await (await scope.fetch(JOIN)).json()).event_id };
};

const stream = () => {
  /** @type {ReadableStreamDefaultController<Uint8Array>} */
  let controller;
  const body = new ReadableStream({
    start: (given) => {
      controller = given;
    },
  });
  /** @param {string | Uint8Array} part */
  const say = (part) => controller.enqueue(typeof part === "string" ? new TextEncoder().encode(part) : part);
  return { body, say, end: () => controller.close() };
};

test("an event that is asked for while the end is under way is answered on the stream that goes on", async () => {
  const [one, two] = [stream(), stream()];
  const { join, scope, asked } = windowWith([one.body, two.body]);
  await join();
  const response = await scope.fetch(new Request(DATA));
  one.say(completed("1"));
  await join(); // the server has said the end by now, and the page has not heard it
  one.say(CLOSE);
  one.end();
  two.say(completed("2"));
  two.say(CLOSE);
  two.end();
  assert.equal(await response.text(), completed("1") + completed("2") + CLOSE);
  assert.equal(asked.filter((address) => address === DATA).length, 2);
});

test("a stream ends where nobody waits, also when an answer came before the page knew its event", async () => {
  const one = stream();
  const { join, scope, asked } = windowWith([one.body]);
  const response = await scope.fetch(DATA);
  one.say(completed("1"));
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  await reader.read();
  await join();
  one.say(CLOSE);
  one.end();
  assert.equal(new TextDecoder().decode((await reader.read()).value), CLOSE);
  assert.equal((await reader.read()).done, true);
  assert.deepEqual(asked, [DATA, JOIN]);
});

test("messages that come in pieces are told whole, and what is no message of Gradio's passes", async () => {
  const one = stream();
  const { join, scope } = windowWith([one.body]);
  await join();
  const response = await scope.fetch(DATA);
  const bytes = new TextEncoder().encode(completed("1"));
  const middle = bytes.indexOf(0xe7) + 1; // within a character
  for (const part of [": ping\n\n", bytes.slice(0, middle), bytes.slice(middle), CLOSE]) one.say(part);
  one.end();
  assert.equal(await response.text(), `: ping\n\n${completed("1")}${CLOSE}`);
});

test("a page that leaves lets go of the server's stream; errors and other addresses pass as they are", async () => {
  let left = false;
  const body = new ReadableStream({
    cancel: () => {
      left = true;
    },
  });
  const { scope } = windowWith([body]);
  const response = await scope.fetch(DATA);
  await response.body?.cancel();
  assert.ok(left);
  assert.equal(await (await scope.fetch("http://127.0.0.1:7860/info")).text(), "other");
  const refused = { fetch: async () => Response.json({ detail: "full" }, { status: 503 }) };
  keepAnswers(refused);
  assert.equal((await refused.fetch()).status, 503);
});

test("an event of which two streams say nothing keeps no third one open", async () => {
  const streams = [stream(), stream()];
  const { join, scope, asked } = windowWith(streams.map(({ body }) => body));
  await join();
  const response = await scope.fetch(DATA);
  for (const { say, end } of streams) {
    say(CLOSE);
    end();
  }
  assert.equal(await response.text(), CLOSE);
  assert.deepEqual(asked, [JOIN, DATA, DATA]);
});

test("a server that gives no second stream is a lost connection, of which the page hears", async () => {
  const one = stream();
  const answers = [Response.json({ event_id: "1" }), new Response(one.body), new Response("gone", { status: 403 })];
  const scope = { fetch: async () => /** @type {Response} */ (answers.shift()) };
  keepAnswers(scope);
  const { fetch } = /** @type {{fetch: (address: string) => Promise<Response>}} */ (scope);
  await fetch(JOIN);
  const response = await fetch(DATA);
  one.say(CLOSE);
  one.end();
  await assert.rejects(response.text(), /no stream of events/);
});
