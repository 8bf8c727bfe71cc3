"""A line below the header for whoever is not alone on the server: who they are, and what they may do."""

import dataclasses

import gradio as gr

from app.markup import html, safe, size
from app.wiring import wire
from app.words import Say
from engine.service.limits import UNLIMITED, Limits
from engine.service.visitor import OPERATOR, Visitor
from engine.service.workbench import Workbench


def build(page: gr.Blocks, workbench: Workbench, say: Say) -> None:
    """Lay it out, and fill it when the page opens; it is not there for the only user of this machine."""
    line = html(visible=False, elem_id="gl-visitor")

    def filled() -> gr.HTML:
        rights = workbench.rights
        text = watch_only(say, rights.who()) if rights.watch_only else said(say, rights.who(), workbench.limits)
        return gr.HTML(text, visible=bool(text))

    wire(say, [page.load], filled, None, [line])


def said(say: Say, visitor: Visitor, limits: Limits = UNLIMITED) -> str:
    """The line as markup; empty for the only user of this machine."""
    if visitor == OPERATOR:
        return ""
    most = most_of(say, limits)
    if visitor.role == "guest":
        return f'<p class="gl-note">{safe(say("visitor.guest"))} {most}</p>'
    about = f"{safe(say(f'visitor.{visitor.role}', name=visitor.id))} {most if visitor.starts else ''}"
    return f'<p class="gl-note">{about} {_leave(say)}</p>'


def watch_only(say: Say, visitor: Visitor) -> str:
    """The line where everybody only watches."""
    return f'<p class="gl-note">{safe(say("visitor.watch_only"))} {_leave(say) if visitor.id else ""}</p>'


def _leave(say: Say) -> str:
    return f'<a href="./logout">{safe(say("visitor.leave"))}</a>'


def most_of(say: Say, limits: Limits) -> str:
    """How much a visitor may have, in one sentence; empty without limits."""
    parts = []
    for name, limit in dataclasses.asdict(limits).items():
        if limit is not None:
            parts.append(say(f"limit.{name}", n=size(limit) if name.endswith("_bytes") else f"{limit:,}"))
    return safe(say("visitor.limits", most=say("limit.comma").join(parts))) if parts else ""
