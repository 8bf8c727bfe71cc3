"""What is sent of an answer that comes bit by bit."""

import inspect
from collections import defaultdict
from types import SimpleNamespace

import gradio as gr
import pytest

from app import page
from app.streams import Blocks

ANSWERS = (
    [{"__type__": "update", "interactive": False}, "", {"headers": ["a"], "data": [["1"], ["2"]]}, ["a"]],
    [{"__type__": "update", "interactive": True}, "x", {"headers": ["a"], "data": [["1"]]}, ["a", "b"]],
    [{"__type__": "update"}, "xy", {"headers": ["a"], "data": [["1"]]}, ["b"]],
)


def sender(kind):
    """A function that sends one answer of a single run, on blocks of some kind (a server of theirs is not needed)."""
    blocks = object.__new__(kind)
    blocks.pending_diff_streams = defaultdict(dict)
    handler = SimpleNamespace(outputs=[None] * len(ANSWERS[0]))
    return lambda answer, final=False: blocks.handle_streaming_diffs(handler, list(answer), "session", "run", final)


def edited(before, edits):
    """What Gradio's client makes of an earlier value; it would change it in place where an edit has a path."""
    for action, path, value in edits:
        assert not path, "the earlier answer would be changed"
        before = value if action == "replace" else before + value
    return before


def test_answers_leave_earlier_ones_as_they_were():
    """Each value is sent whole, or as what is added to a text; what is the same is not sent again."""
    send = sender(Blocks)
    shown = send(ANSWERS[0])
    assert shown == ANSWERS[0]
    for answer in ANSWERS[1:]:
        edits = send(answer)
        shown = [edited(before, of) for before, of in zip(shown, edits, strict=True)]
        assert shown == answer
    assert edits[1] == [["append", [], "y"]]
    assert edits[2] == []
    assert send([None] * 4, final=True) == ANSWERS[-1]


def test_gradio_still_edits_in_place():
    """What this is for: would Gradio not do it any more, its own blocks would be enough."""
    send = sender(gr.Blocks)
    send(ANSWERS[1])
    with pytest.raises(AssertionError, match="would be changed"):
        edited(ANSWERS[1][0], send(ANSWERS[2])[0])


def test_the_page_is_made_of_them():
    """Otherwise nothing above matters."""
    assert "Blocks(" in inspect.getsource(page.create)
    assert page.Blocks is Blocks
