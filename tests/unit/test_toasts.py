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
