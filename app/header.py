"""The row on top of every tab: name, tabs, what is going on right now, model, language."""

import dataclasses
import json
import secrets
from typing import Any

import gradio as gr

from app.errors import in_words
from app.markup import html
from app.open_pages import OpenPages
from app.tabs.queue import queue_row
from app.words import LANGUAGES, Say, path_of
from engine.service.workbench import Workbench

SERVER = secrets.token_hex(8)
"""Changes when the workbench is started again: what a page had wired up with the old one is gone, so it loads anew."""
TABS = ("train", "watch", "chat", "runs")

_ON_LOAD = """
Gatelight.ready.then(({ mountHeader }) =>
  mountHeader(element, JSON.parse(props.words), server, trigger));
"""


def build(workbench: Workbench, say: Say, pages: OpenPages) -> gr.HTML:
    """The header. Its event `load` fires when the page first knows what goes on, `change` whenever that changes.

    Gradio's own `load` is answered before the header has asked: a run that begins in between would be missed.
    """

    def live(page: object) -> dict[str, Any]:
        queue = [queue_row(say, row) for row in workbench.queue.shown()]
        asking = {"server": SERVER, "queue": queue, "pages": pages.asking(page)}
        return in_words(say, dataclasses.asdict(workbench.seen_live())) | asking

    return html(
        _markup(say),
        elem_id="gl-header",
        js_on_load=_ON_LOAD,
        server_functions=[live],
        words=json.dumps(say.part("frame"), ensure_ascii=False),
    )


def _markup(say: Say) -> str:
    tabs = "".join(
        f'<button type="button" class="gl-tab-link" data-tab="{tab}">{say(f"frame.{tab}")}</button>' for tab in TABS
    )
    languages = "".join(
        f'<a href="{path_of(name)}" lang="{name}" class="{"on" if name == say.language else ""}">{text}</a>'
        for name, text in LANGUAGES.items()
    )
    return (
        f'<header class="gl-header" lang="{say.language}">'
        f'<h1 class="gl-brand"><span class="gl-mark" aria-hidden="true">◐</span>{say("frame.title")}</h1>'
        f'<nav class="gl-tabs" aria-label="{say("frame.tabs")}">{tabs}</nav>'
        f'<button type="button" class="gl-chip" data-state="idle" title="{say("frame.to_watch")}" aria-live="polite">'
        f'<span class="gl-dot" aria-hidden="true"></span><span class="gl-chip-text">{say("frame.idle")}</span></button>'
        '<span class="gl-model"></span>'
        f'<button type="button" class="gl-large-switch" aria-pressed="false" title="{say("frame.large.title")}">'
        f"{say('frame.large')}</button>"
        f'<nav class="gl-languages" aria-label="{say("frame.language")}">{languages}</nav></header>'
    )
