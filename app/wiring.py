"""How every event of the page is wired: private, never queued behind another session, calm on the screen."""

from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.events import Dependency

from app.errors import guarded
from app.words import Say


def wire(
    say: Say,
    triggers: list[Any],
    handler: Callable[..., Any],
    inputs: list[Any] | None = None,
    outputs: list[Any] | None = None,
    otherwise: object = None,
    after: Dependency | None = None,
    **options: Any,  # noqa: ANN401 - passed on to gr.on
) -> Dependency:
    """Call `handler` when any of the triggers fires; its errors become toasts in the page's language.

    Args:
        say: The page's words.
        triggers: Events of components.
        handler: Function of the inputs; returns values for the outputs.
        inputs: Components it reads.
        outputs: Components it fills.
        otherwise: What the outputs get after an error; None leaves them as they are.
        after: An event to follow, instead of triggers.
        options: More for `gr.on`.
    """
    calm: dict[str, Any] = {"api_visibility": "private", "concurrency_limit": None, "show_progress": "hidden"}
    safe = guarded(say, otherwise)(handler)
    if after is not None:
        return after.then(safe, inputs, outputs, **(calm | options))
    return gr.on(triggers, safe, inputs, outputs, **(calm | options))


def wire_js(triggers: list[Any], js: str, inputs: list[Any] | None = None) -> Dependency:
    """Run JavaScript in the browser when any of the triggers fires."""
    return gr.on(triggers, None, inputs, None, js=js, api_visibility="private", show_progress="hidden")
