"""How every event of the page is wired: private, never queued behind another session, calm on the screen.

A handler of many components takes them as a set, and gets a dictionary from component to value; it answers with one
that has the components which change. So no value is ever told by its place in a list.
"""

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component, Navbar
from gradio.context import Context
from gradio.events import Dependency

from app.errors import with_toasts
from app.words import Say

Values = Mapping[Block, Any]
"""What Gradio hands over for a set of inputs: the value of every component."""

Updates = dict[Block, Any]
"""What a handler answers: new values, or components with new properties, for those that change."""


def session_of(request: gr.Request) -> str:
    """The page's session, which Gradio tells apart by a random name; empty for a request outside of any."""
    return str(request.session_hash or "")


def wire(
    say: Say,
    triggers: list[Any],
    handler: Callable[..., Any],
    inputs: list[Any] | set[Any] | None = None,
    outputs: list[Any] | set[Any] | None = None,
    otherwise: object = None,
    after: Dependency | None = None,
    **options: Any,  # noqa: ANN401 - passed on to gr.on
) -> Dependency:
    """Call `handler` when any of the triggers fires; its errors become toasts in the page's language.

    A change that comes while a former one is answered is answered next, as Gradio does for a single trigger; of several
    it would drop it.

    Args:
        say: The page's words.
        triggers: Events of components.
        handler: Function of the inputs; returns values for the outputs. See `Values` and `Updates`.
        inputs: Components it reads.
        outputs: Components it fills.
        otherwise: What the outputs get after an error; None leaves them as they are.
        after: An event to follow, instead of triggers.
        options: More for `gr.on`.
    """
    changes = len(triggers) > 1 and any(getattr(one, "event_name", "") == "change" for one in triggers)
    latest = {"trigger_mode": "always_last"} if changes else {}
    calm = {"concurrency_limit": None, **latest, **_calm(options)}
    safe = with_toasts(say, otherwise)(handler)
    if after is not None:
        follows: Dependency = after.then(safe, inputs, outputs, **calm)
        return follows
    wired: Dependency = gr.on(triggers, safe, inputs, outputs, **calm)
    return wired


def wire_js(
    triggers: list[Any],
    js: str,
    inputs: list[Any] | None = None,
    after: Dependency | None = None,
    outputs: list[Any] | None = None,
) -> Dependency:
    """Run JavaScript in the browser when any of the triggers fires, or after an event; it returns the outputs."""
    calm = _calm({})
    if after is not None:
        follows: Dependency = after.then(None, inputs, outputs, js=js, **calm)
        return follows
    wired: Dependency = gr.on(triggers, None, inputs, outputs, js=js, **calm)
    return wired


def _calm(options: dict[str, Any]) -> dict[str, Any]:
    """Options of an event, to which belong, unless it says otherwise: no address of its own, and no sign of progress.

    At every stage of an event Gradio 6 tells each component that ever was an output how far it is, hidden or not, and
    searches the whole tree for it: a fifth of the browser's work for a change. One unseen component stands for those
    that hide it.
    """
    calm: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", **options}
    return calm if calm["show_progress"] != "hidden" else {"show_progress_on": _unseen(), **calm}


def _unseen() -> Component:
    """What every page begins with: its bar of pages, which is not shown."""
    page = Context.root_block
    assert page is not None, "events are wired while a page is built"
    bars = (block for block in page.blocks.values() if isinstance(block, Navbar) and block.page == page.current_page)
    return next(bars)
