"""The settings of all methods. They are made once, so that no choice takes away what somebody is about to press."""

from typing import Any

import gradio as gr

from app import forms
from app.forms import Control
from app.markup import html, safe
from app.wiring import Updates, Values
from app.words import Say
from engine.core.types import MethodInfo


class MethodForm:
    """Lays out one group of settings per method, of which one is shown; each keeps what was set on it.

    Attributes:
        methods: By name.
        controls: Of each method, by setting.
        groups: The column of each method.
    """

    def __init__(self, say: Say, methods: list[MethodInfo], shown: str) -> None:
        self.methods = {info.name: info for info in methods}
        self.controls: dict[str, dict[str, Control]] = {}
        self.groups: dict[str, gr.Column] = {}
        for info in methods:
            with gr.Column(visible=info.name == shown) as self.groups[info.name]:
                html(f'<h4 class="gl-h4">{safe(info.title)}</h4>')
                with gr.Row(elem_classes="gl-settings"):
                    values = info.settings.from_dict(info.presets[self.first_preset(info.name)]).to_dict()
                    self.controls[info.name] = {
                        field.name: forms.control(field, say, values[field.name], info.name)
                        for field in info.settings.fields()
                    }

    @property
    def all(self) -> list[Control]:
        """The controls of all methods."""
        return [control for controls in self.controls.values() for control in controls.values()]

    def first_preset(self, method: str) -> str:
        """The preset that a method's settings hold at first."""
        return next(iter(self.methods[method].presets))

    def values(self, method: str, values: Values) -> dict[str, Any]:
        """A method's settings as they stand on the form."""
        return forms.read(self.controls[method], values)

    def filled(self, method: str, settings: dict[str, Any]) -> Updates:
        """The controls of one method with its settings; those that are not given get their defaults."""
        kind = self.methods[method].settings
        return forms.filled(self.controls[method], kind.fields(), kind.from_dict(settings).to_dict())

    def shown(self, method: str) -> Updates:
        """The groups, of which a method's own is shown."""
        return {group: gr.Column(visible=name == method) for name, group in self.groups.items()}
