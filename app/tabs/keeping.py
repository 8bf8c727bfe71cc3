"""The browser keeps the chat over a reload and a change of language, in its tab alone."""

from typing import Any

import gradio as gr
from gradio.events import Dependency

from app import forms, kept_talk
from app.kept_talk import Talk
from app.tabs.asking import Asker
from app.tabs.chat_layout import FIELDS, STRONGEST, Layout
from app.tabs.columns import Columns
from app.wiring import Updates, Values, wire, wire_js
from app.words import Say
from engine.core.errors import WorkbenchError
from engine.core.sampling import Sampling
from engine.inference.messages import AROUND

_KEEP = "(text) => Gatelight.ready.then(({ keptTalk }) => keptTalk.keep(text))"
_DRAFT = "(text) => Gatelight.ready.then(({ keptDraft }) => keptDraft.keep(text))"
_FORMER_DRAFT = "(text) => Gatelight.ready.then(({ keptDraft }) => keptDraft.former(text))"
_FORMER = "() => Gatelight.ready.then(({ keptTalk }) => keptTalk.former())"
_RESTORED = "() => Gatelight.ready.then(({ keptTalk }) => keptTalk.restored())"


class Keeper:
    """What is kept of the chat, and how it is brought back."""

    def __init__(self, say: Say, layout: Layout, asker: Asker, columns: Columns) -> None:
        self._say, self._layout, self._asker, self._columns = say, layout, asker, columns
        self._how = {layout.strength, layout.alone, layout.alone_chosen, layout.system, layout.around}

    def wire(self, page: gr.Blocks, changes: list[Dependency]) -> None:
        """Fill the page when it opens; keep the chat when one of `changes` is over, or somebody chose or typed."""
        say, layout, asker = self._say, self._layout, self._asker
        sampling = set(layout.sampling.values())
        shown = {asker.turns, layout.conversation, layout.meter, *asker.buttons}
        read = wire_js([page.load], _FORMER, outputs=[layout.former])
        inputs = {layout.former, *self._columns.inputs}
        outputs = {*self._columns.outputs, *self._how, *sampling, *shown}
        filled = wire(say, [], self.restore, inputs, outputs, after=read)
        wire_js([], _RESTORED, after=filled)
        wire_js([page.load], _FORMER_DRAFT, [layout.prompt], outputs=[layout.prompt])
        wire_js([layout.prompt.change], _DRAFT, [layout.prompt])
        wire_js([layout.kept.change], _KEEP, [layout.kept])
        kept = {asker.turns, layout.third_shown, layout.passage, *layout.menus, *self._how, *sampling}
        parts = (*layout.menus, layout.alone, layout.system, layout.around, *sampling)
        chosen: list[Any] = [layout.strength.release, layout.passage.blur, *(part.input for part in parts)]
        wire(say, chosen, self.keep, kept, [layout.kept], trigger_mode="always_last")
        for change in changes:
            wire(say, [], self.keep, kept, [layout.kept], after=change, trigger_mode="always_last")

    def keep(self, values: Values) -> str:
        """The chat as the browser keeps it."""
        layout = self._layout
        return kept_talk.as_text(
            Talk(
                turns=[turn for turn in values[self._asker.turns] if turn.done],
                columns=tuple((values[side.run], values[side.step]) for side in layout.sides),
                third=values[layout.third_shown],
                strength=values[layout.strength],
                alone=values[layout.alone],
                alone_chosen=values[layout.alone_chosen],
                system=values[layout.system] or "",
                around=values[layout.around],
                passage=values[layout.passage] or "",
                sampling=forms.read(layout.sampling, values),
            )
        )

    def restore(self, values: Values) -> Updates:
        """The chat as it was before the page was loaded anew; as at first where the browser kept none."""
        try:
            talk = kept_talk.from_text(values[self._layout.former])
        except ValueError:
            return {**self._columns.refreshed({**values, self._columns.chosen: False}), self._columns.chosen: False}
        for turn in talk.turns:
            turn.reference = self._asker.reference(turn)
        layout = self._layout
        how: Updates = {layout.alone: talk.alone, layout.alone_chosen: talk.alone_chosen}
        return {
            **self._columns.filled({**values, **how, layout.passage: talk.passage}, talk.columns, third=talk.third),
            **self._asker.shown(talk.turns),
            **how,
            self._columns.chosen: True,
            layout.strength: min(STRONGEST, max(0.0, talk.strength)),
            layout.system: talk.system,
            layout.around: talk.around if talk.around in AROUND else AROUND[0],
            **self._sampling(talk),
        }

    def _sampling(self, talk: Talk) -> Updates:
        try:
            settings = Sampling.from_dict(talk.sampling).to_dict()
        except WorkbenchError:
            return {}
        return forms.filled(self._layout.sampling, FIELDS, settings)
