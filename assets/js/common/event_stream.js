// Keeps the answer of an event from being left behind on the server.
// @ts-check

// Gradio's page asks for an event by a POST to `queue/join` and hears of all of its events on one stream, `queue/data`,
// which the server closes when no event is left. An event that is asked for while the server's word of the end is under
// way is heard of by nobody (Gradio 6.31): the page takes the stream for open and opens no other, and the answer stays
// on the server until the next event. So a stream whose end comes while an event waits is asked for once more here, and
// the page never sees the end.

const JOIN = /\/queue\/join(\?|$)/;
const DATA = /\/queue\/data(\?|$)/;
const END_OF_MESSAGE = /(?<=\n\n)/;

/**
 * @param {string} message as server-sent events have them
 * @returns {{msg?: string, event_id?: string}}
 */
const read = (message) => {
  const data = message.startsWith("data:") ? message.slice("data:".length) : "{}";
  try {
    return JSON.parse(data);
  } catch {
    return {}; // not Gradio's own: it passes as it is
  }
};

/** The events that were asked for and whose last message has not come; either may be heard of first. */
const waitingEvents = () => {
  /** @type {Map<string, boolean>} whether a stream was asked for once more for its sake */
  const waiting = new Map();
  /** @type {Set<string>} */
  const early = new Set();
  return {
    /** @param {string} event */
    joined: (event) => {
      if (!early.delete(event)) waiting.set(event, false);
    },
    /** @param {string} event */
    completed: (event) => {
      if (!waiting.delete(event)) early.add(event);
    },
    /** Whether a stream that ends left any waiting; what two of them leave, the server does not know any more. */
    left: () => {
      for (const [event, again] of waiting) {
        if (again) waiting.delete(event);
        else waiting.set(event, true);
      }
      return waiting.size > 0;
    },
  };
};

/**
 * Replace `fetch` by one whose `queue/data` goes on as long as an event waits.
 *
 * @param {{fetch: typeof fetch}} scope the window
 */
export const keepAnswers = (scope) => {
  const plain = scope.fetch.bind(scope);
  const events = waitingEvents();

  /** @type {typeof fetch} */
  const joining = async (input, init) => {
    const response = await plain(input, init);
    if (response.ok) {
      const { event_id: event } = await response.clone().json();
      if (event) events.joined(event);
    }
    return response;
  };

  /** @type {typeof fetch} */
  const listening = async (input, init) => {
    const ask = () => plain(input instanceof Request ? input.clone() : input, init);
    const first = await ask();
    if (!first.ok || !first.body) return first;
    const { headers, status, statusText } = first;
    return new Response(unbroken(first, ask, events), { headers, status, statusText });
  };

  scope.fetch = (input, init) => {
    const address = input instanceof Request ? input.url : String(input);
    if (JOIN.test(address)) return joining(input, init);
    return DATA.test(address) ? listening(input, init) : plain(input, init);
  };
};

/**
 * The messages of a response and, where it ends while an event waits, those of the next ones.
 *
 * @param {Response} first
 * @param {() => Promise<Response>} ask
 * @param {ReturnType<typeof waitingEvents>} events
 * @returns {ReadableStream<Uint8Array>}
 */
const unbroken = (first, ask, events) => {
  const encoder = new TextEncoder();
  let reader = readerOf(first);
  let rest = "";
  let goesOn = false;

  /** @param {string} message */
  const endsTooSoon = (message) => {
    const { msg, event_id: event } = read(message);
    if (msg === "process_completed" && event) events.completed(event);
    return msg === "close_stream" && events.left();
  };

  return new ReadableStream({
    async pull(controller) {
      for (let told = false; !told; ) {
        const { value = "", done } = await reader.read();
        const messages = (rest + value).split(END_OF_MESSAGE);
        rest = done || messages.at(-1)?.endsWith("\n\n") ? "" : (messages.pop() ?? "");
        for (const message of messages.filter(Boolean)) {
          if (endsTooSoon(message)) {
            goesOn = true;
            continue;
          }
          controller.enqueue(encoder.encode(message));
          told = true;
        }
        if (!done) continue;
        if (!goesOn) {
          controller.close();
          return;
        }
        // Not before the server has ended its part: of one that breaks off, Gradio drops the answers that wait.
        reader = readerOf(await ask());
        goesOn = false;
      }
    },
    cancel: () => reader.cancel(),
  });
};

/** @param {Response} response */
const readerOf = ({ ok, body }) => {
  if (!ok || !body) throw new TypeError("the server gave no stream of events"); // the page hears of a lost connection
  return body.pipeThrough(new TextDecoderStream()).getReader();
};
