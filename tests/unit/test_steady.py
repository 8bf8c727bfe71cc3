"""What a session keeps may grow while Gradio walks through it."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest

from app.steady import Steady

SESSION = """
import copy
import gradio as gr
from app.steady import Steady, steady

with gr.Blocks() as page:
    gr.Button().click(lambda: None)
session = copy.copy(steady(page).default_config)
assert session.blocks == page.blocks
assert session.fns == page.fns
assert len(session.fns) == 1
assert isinstance(session.blocks, Steady)
assert isinstance(session.fns, Steady)
"""


@pytest.mark.parametrize("walk", [Steady.values, Steady.items, iter], ids=["values", "items", "keys"])
def test_a_walk_sees_what_was_there(walk):
    """Entries may come during a walk through any copy; the next walk has them."""
    grows = copy.copy(Steady(a=1, b=2))
    for _ in walk(grows):
        grows[f"more {len(grows)}"] = 0
    assert list(grows) == ["a", "b", "more 2", "more 3"]


def test_sessions_are_steady():
    """Every session's own copies of a page's components and functions are steady, and hold all of them.

    In a process of its own: Gradio leaves event loops to the garbage collector, which other tests would stumble over.
    """
    subprocess.run([sys.executable, "-c", SESSION], cwd=Path(__file__).resolve().parents[2], check=True, timeout=120)
