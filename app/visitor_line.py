"""A line below the header for whoever is not alone on the server: who they are, and what they may do."""

import gradio as gr

from app.markup import html, safe
from app.wiring import wire
from app.words import Say
from engine.service.visitor import OPERATOR, Visitor
from engine.service.workbench import Workbench


def build(page: gr.Blocks, workbench: Workbench, say: Say) -> None:
    """Lay it out, and fill it when the page opens; it is not there for the only user of this machine."""
    line = html(visible=False, elem_id="gl-visitor")

    def filled() -> gr.HTML:
        text = said(say, workbench.rights.who())
        return gr.HTML(text, visible=bool(text))

    wire(say, [page.load], filled, None, [line])


def said(say: Say, visitor: Visitor) -> str:
    """The line as markup; empty for the only user of this machine."""
    if visitor == OPERATOR:
        return ""
    if visitor.role == "guest":
        return f'<p class="gl-note">{safe(say("visitor.guest"))}</p>'
    about = safe(say(f"visitor.{visitor.role}", name=visitor.id))
    return f'<p class="gl-note">{about} <a href="./logout">{safe(say("visitor.leave"))}</a></p>'
