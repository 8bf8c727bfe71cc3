"""The page: one frame with four tabs, built once per language."""

import inspect
import os

import gradio as gr
from gradio.components import Navbar

from app import header, visitor_line
from app.open_pages import OpenPages
from app.streams import Blocks
from app.tabs import chat, runs, train, watch
from app.words import LANGUAGES, MAIN, Say
from engine.service.workbench import Workbench

GRADIO_STATISTICS = {"GRADIO_ANALYTICS_MAX_EVENTS": "1", "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(10**9)}
"""Gradio's settings by which it keeps no list of events, out of which it makes percentiles again and again: a fifth of
the CPU time that an open page cost."""

UPLOADS_SWEPT_KEPT_S = (600, 24 * 3600)
"""How often the server looks for old uploads of pages, and how old they become; those of a closed page go at once."""


def create(workbench: Workbench) -> gr.Blocks:
    """The whole page in all languages, each at its path."""
    os.environ.update(GRADIO_STATISTICS)
    page = Blocks(title="Gatelight", analytics_enabled=False, delete_cache=UPLOADS_SWEPT_KEPT_S)
    pages = OpenPages()
    with page:
        _build(page, workbench, Say(MAIN), pages)
    for language, name in LANGUAGES.items():
        if language != MAIN:
            with page.route(name, language, show_in_navbar=False):
                _build(page, workbench, Say(language), pages)
        _remember_signatures(page)
    return page


def _build(page: gr.Blocks, workbench: Workbench, say: Say, pages: OpenPages) -> None:
    Navbar(visible=False)
    top = header.build(workbench, say, pages)
    visitor_line.build(page, workbench, say)
    with gr.Tabs(selected="watch", elem_id="gl-tabs"):
        with _tab("train", say):
            former = train.build(page, workbench, say, top)
        with _tab("watch", say):
            watch.build(workbench, say)
        with _tab("chat", say) as chat_tab:
            conversation = chat.build(page, workbench, say, top, chat_tab)
        with _tab("runs", say):
            runs.build(workbench, say, conversation, former)


def _remember_signatures(page: gr.Blocks) -> None:
    """Let `inspect` find the signatures of the components' constructors where it looks first.

    Gradio asks for the signature of every component's constructor for every session, which made one out of each
    anew: a tenth of the server's work for a visitor.
    """
    for constructor in {type(block).__init__ for block in page.blocks.values()}:
        constructor.__signature__ = inspect.signature(constructor)  # type: ignore[attr-defined]


def _tab(name: str, say: Say) -> gr.Tab:
    return gr.Tab(say(f"frame.{name}"), id=name, elem_id=f"gl-tab-{name}", render_children=True)
