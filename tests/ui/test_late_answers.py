"""What is done while the server's word that nothing waits is still under way is answered all the same."""

import pytest

from tests.ui.conftest import Visitor, goto

pytestmark = pytest.mark.ui
RECORDED = "tr[data-run=llama_adapter] input"
LATE_MS = 1000
SLOW_STREAM = """
const plain = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const response = await plain(input, init);
  const address = input instanceof Request ? input.url : String(input);
  if (!address.includes("/queue/data") || !response.body) return response;
  const reader = response.body.getReader();
  let left = false;
  const later = (then) => setTimeout(() => left || then(), window.lateMs ?? 0);
  const late = new ReadableStream({
    start: (stream) => {
      const pass = ({ value, done }) => {
        if (!done && new TextDecoder().decode(value).includes("close_stream")) window.ends = (window.ends ?? 0) + 1;
        later(() => done ? stream.close() : stream.enqueue(value));
        if (!done) reader.read().then(pass, (error) => later(() => stream.error(error)));
      };
      reader.read().then(pass, (error) => later(() => stream.error(error)));
    },
    cancel: () => { left = true; return reader.cancel(); },
  });
  return new Response(late, { status: response.status, headers: response.headers });
};
"""
"""A network on which messages of events take a while, and questions none, once `lateMs` is set."""


def test_an_answer_is_never_left_behind(tabs, app):
    """Gradio's client opens no stream for an event that it asks for before it hears that the last one has ended."""
    visitor = Visitor(tabs, app.url, app.token)
    page = visitor(script=SLOW_STREAM)
    goto(page, "runs")
    page.click(RECORDED)
    page.wait_for_selector("#gl-run:visible")
    page.wait_for_timeout(2 * LATE_MS)
    page.evaluate("(late) => { window.lateMs = late; window.ends = 0; }", LATE_MS)
    page.click(RECORDED)
    page.wait_for_function("ends >= 2")  # that of the choice, and that of what follows it, which is on its way
    assert page.is_hidden("#gl-run")
    page.click(RECORDED)
    page.wait_for_selector("#gl-run:visible", timeout=15 * LATE_MS)
    visitor.leave()
