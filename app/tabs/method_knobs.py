"""The knobs of all methods. They are made once, so that no choice ever takes away what somebody is about to press."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from app import forms
from app.markup import html, safe
from app.words import Say
from engine.core.types import MethodInfo


class MethodKnobs:
    """Lays out one group of knobs per method, of which one is shown; each keeps what was set on it.

    Attributes:
        methods: By name.
        all: Every knob, method after method.
        groups: The column of each method.
    """

    def __init__(self, say: Say, methods: list[MethodInfo], shown: str) -> None:
        self.methods = {info.name: info for info in methods}
        self.all: list[gr.components.Component] = []
        self.groups: list[gr.Column] = []
        self._places: dict[str, slice] = {}
        for info in methods:
            before = len(self.all)
            with gr.Column(visible=info.name == shown) as group:
                html(f'<h4 class="gl-h4">{safe(info.title)}</h4>')
                with gr.Row(elem_classes="gl-knobs"):
                    values = info.settings.from_dict(info.presets[self.first_preset(info.name)]).to_dict()
                    fields = info.settings.fields()
                    self.all += [forms.control(field, say, values[field.name], info.name) for field in fields]
            self.groups.append(group)
            self._places[info.name] = slice(before, len(self.all))

    def first_preset(self, method: str) -> str:
        """The preset that a method's knobs hold at first."""
        return next(iter(self.methods[method].presets))

    def settings(self, method: str, values: Sequence[object]) -> dict[str, Any]:
        """A method's settings from the values of all knobs."""
        return forms.gathered(self.methods[method].settings.fields(), values[self._places[method]])

    def filled(self, method: str, settings: dict[str, object]) -> list[Any]:
        """Values for all knobs that set those of one method and leave the others as they are."""
        info = self.methods[method]
        values = info.settings.from_dict(settings).to_dict()
        news: list[Any] = [gr.skip()] * len(self.all)
        news[self._places[method]] = [
            forms.optional_text(values[field.name]) if field.optional else values[field.name]
            for field in info.settings.fields()
        ]
        return news

    def shown(self, method: str) -> list[Any]:
        """Values for `groups` that show a method's own."""
        return [gr.Column(visible=name == method) for name in self.methods]
