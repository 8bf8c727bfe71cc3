"""What a handler of an event leaves on the screen."""

import gradio as gr

from app.errors import with_toasts
from app.words import Say


def test_no_updates_change_nothing():
    """Gradio takes an empty dictionary for a wrong number of values."""
    wrapped = with_toasts(Say("en"))
    part = gr.Textbox(render=False)
    assert wrapped(lambda: {})() == gr.skip()
    assert wrapped(lambda: {part: "x"})() == {part: "x"}


def test_a_stream_says_something():
    """An event of a generator that gives nothing would never be over in the browser: it changes nothing instead."""
    wrapped = with_toasts(Say("en"))

    def silent():
        yield from ()

    def talking():
        yield 1
        yield 2

    assert list(wrapped(silent)()) == [gr.skip()]
    assert list(wrapped(talking)()) == [1, 2]
