"""The settings of all methods. They are made once, so that no choice takes away what somebody is about to press."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from app import forms
from app.forms import Control
from app.markup import html, safe
from app.wiring import Updates, Values
from app.words import Say
from engine.methods.spec import MethodSpec


class MethodForm:
    """Lays out one group of settings per method, of which one is shown; each keeps what was set on it.

    Attributes:
        methods: By name.
        controls: Of each method, by setting.
        groups: The column of each method.
    """

    def __init__(self, say: Say, methods: Mapping[str, MethodSpec], shown: str) -> None:
        self.methods = methods
        self.controls: dict[str, dict[str, Control]] = {}
        self.groups: dict[str, gr.Column] = {}
        for name, spec in methods.items():
            with gr.Column(visible=name == shown) as self.groups[name]:
                html(f'<h4 class="gl-h4">{safe(spec.title)}</h4>')
                with gr.Row(elem_classes="gl-settings"):
                    values = spec.settings.from_dict(spec.presets[self.first_preset(name)]).to_dict()
                    self.controls[name] = {
                        field.name: forms.control(field, say, values[field.name], name)
                        for field in spec.settings.fields()
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

    def filled(self, method: str, settings: Mapping[str, Any]) -> Updates:
        """The controls of one method with its settings; those that are not given get their defaults."""
        kind = self.methods[method].settings
        return forms.filled(self.controls[method], kind.fields(), kind.from_dict(settings).to_dict())

    def shown(self, method: str) -> Updates:
        """The groups, of which a method's own is shown."""
        return {group: gr.Column(visible=name == method) for name, group in self.groups.items()}
