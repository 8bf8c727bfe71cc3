"""The settings of all methods, of which the chosen one's are shown.

The browser shows them, by a rule of CSS and the name that `picker.js` writes on the body: Gradio mounts anew whatever
it shows, with the value that it had at first, and what somebody typed meanwhile would be lost.
"""

from collections.abc import Iterable, Mapping
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
    """

    def __init__(self, say: Say, methods: Mapping[str, MethodSpec], first: str) -> None:
        self.methods = methods
        self.controls: dict[str, dict[str, Control]] = {}
        html(f"<style>{shows_chosen(methods, first)}</style>", visible="hidden")
        for name, spec in methods.items():
            with gr.Column(elem_classes=f"gl-of-method gl-of-{name}"):
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


def shows_chosen(methods: Iterable[str], first: str) -> str:
    """Rules of CSS that show the group of the method that the body names, and before it names one the first's."""
    chosen = [f"body[data-method={name}] .gl-of-{name}.gl-of-method" for name in methods]
    shown = ", ".join([f"body:not([data-method]) .gl-of-{first}.gl-of-method", *chosen])
    hidden = ".gl-of-method.gl-of-method { display: none !important; }"  # Gradio gives columns a display of their own
    return f"{hidden} {shown} {{ display: flex !important; }}"
