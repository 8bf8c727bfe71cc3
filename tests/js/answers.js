// Answers of the server's `since`, for the tests.

const FACTS = {
  name: "a run",
  status: "running",
  message: "",
  recording: false,
  emits: ["gates"],
  family: "prompts",
  layered: true,
  pictures: false,
  early: false,
  kept: null,
  score: null,
  better: null,
  steps: 100,
  config: { method: "llama_adapter" },
  epoch: 1,
  cursor: 0,
  more: false,
};

/** An answer with these events, each given as [kind, step, fields]. */
export const since = (events = [], facts = {}) => ({
  ...FACTS,
  ...facts,
  events: events.map(([kind, step, fields]) => ({ kind, step, ...fields })),
});
