"""The terminal is calm about closed tabs, and about nothing else."""

import logging
import sys

import pytest

from app.quiet import quiet


def sse_stream():
    """Fails as Gradio's stream of a closed tab does."""
    del {}["session"]


def other():
    """Fails at something else."""
    del {}["session"]


def started():
    """Fails as the server does when a tab is gone in the middle of an answer."""
    raise RuntimeError("Caught handled exception, but response already started.")


@pytest.mark.parametrize(("fails", "told"), [(sse_stream, False), (other, True), (started, False)])
def test_only_closed_tabs_are_held_back(fails, told, caplog, monkeypatch):
    """The server's log has every traceback but those of tabs that were closed."""
    logger = logging.getLogger("uvicorn.error")
    monkeypatch.setattr(logger, "filters", [])
    monkeypatch.setattr(logger, "propagate", True)
    quiet()
    try:
        fails()
    except (KeyError, RuntimeError):
        logger.error("Exception in ASGI application", exc_info=sys.exc_info())
    assert bool(caplog.records) is told
