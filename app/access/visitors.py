"""Who is being answered: what the guard found out, for the handlers of events."""

import gradio as gr
from gradio.context import LocalContext

from app.access.doors import guest
from engine.service.visitor import NOBODY, Visitor

IN_SCOPE = "gatelight.visitor"
"""Where the guard puts the visitor in a request's scope. No header of a request leads there."""


def visitor_now() -> Visitor:
    """The visitor that the present thread answers; nobody outside of any request.

    A guest without a cookie is known by the page's session alone, whose name nobody else has been told.
    """
    request = LocalContext.request.get(None)
    session = request.session_hash if isinstance(request, gr.Request) else None
    inner = request.request if isinstance(request, gr.Request) else request
    visitor = getattr(inner, "scope", {}).get(IN_SCOPE, NOBODY)
    if visitor == NOBODY and session:
        return guest(f"session {session}")
    return visitor if isinstance(visitor, Visitor) else NOBODY
