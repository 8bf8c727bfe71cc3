"""Fetching a model from the hub, below the field that names it: how far it is, and how to cancel it."""

import time
from collections.abc import Callable, Iterator

import gradio as gr
from gradio.events import Dependency

from app.errors import sentence
from app.markup import html, note, safe, size
from app.wiring import Updates, Values, wire
from app.words import Say
from engine.models.menu import Offer
from engine.service.downloads import Download
from engine.service.workbench import Workbench

LOOK_S = 0.4
"""Between two looks at how far a download is."""


class DownloadPanel:
    """The button that begins a download, shown for a model that is not here, and what stands below it."""

    def __init__(self, workbench: Workbench, say: Say) -> None:
        self.workbench, self.say = workbench, say
        self.begin = gr.Button(say("train.download.any"), size="sm", visible=False, elem_id="gl-download")
        self.progress = html(elem_id="gl-download-progress")
        self.cancel = gr.Button(say("train.download.cancel"), size="sm", visible=False, elem_id="gl-download-cancel")

    @property
    def parts(self) -> set[gr.components.Component]:
        """All that a download changes here."""
        return {self.begin, self.progress, self.cancel}

    def offered(self, name: str, offer: Offer | None, *, here: bool) -> Updates:
        """The button for the model that stands in the field: hidden where there is nothing to fetch."""
        if here or not self.workbench.downloads.could_fetch(name):
            return {self.begin: gr.Button(visible=False)}
        words = self.say("train.download.any")
        if offer is not None:
            words = self.say("train.download", size=size(offer.model.size_bytes))
            if offer.kept_bytes:
                words = self.say("train.download.on", part=size(offer.kept_bytes))
        return {self.begin: gr.Button(words, visible=True)}

    def wire(self, page: gr.Blocks, model: gr.Dropdown, ended: Callable[[Dependency], None]) -> None:
        """Wire both buttons; `ended` wires what follows the end of a download, which a reloaded page sees too."""

        def begun(values: Values) -> Iterator[Updates]:
            self.workbench.downloads.start(values[model] or "")
            yield from self._followed()

        ended(wire(self.say, [self.begin.click], begun, {model}, self.parts, trigger_mode="once"))
        ended(wire(self.say, [page.load], self._followed, None, self.parts))
        wire(self.say, [self.cancel.click], self.workbench.downloads.cancel, None, None, trigger_mode="once")

    def _followed(self) -> Iterator[Updates]:
        """How far the download is, again and again, and how it ended; nothing where there is none."""
        seen = False
        while (now := self.workbench.downloads.now()) is not None and now.status == "running":
            seen = True
            yield {self.progress: self._bar(now), self.begin: gr.Button(visible=False), self.cancel: _shown(True)}
            time.sleep(LOOK_S)
        if seen and now is not None:
            yield {self.progress: self._end(now), self.cancel: _shown(False)}

    def _bar(self, now: Download) -> str:
        if not now.total:
            return note(self.say("train.download.asking", name=now.name))
        share = 100 * now.done / now.total
        words = self.say(
            "train.download.running", name=now.name, done=size(now.done), total=size(now.total), share=f"{share:.0f}"
        )
        return f'{note(words)}<progress class="gl-download" max="100" value="{share:.1f}">{safe(words)}</progress>'

    def _end(self, now: Download) -> str:
        if now.problem is not None:
            return note(sentence(self.say, now.problem), "wrong")
        return note(self.say(f"train.download.{now.status}", name=now.name))


def _shown(shown: bool) -> gr.Button:
    return gr.Button(visible=shown)
