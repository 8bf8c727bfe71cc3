"""The settings of all methods, of which those of the chosen ones are shown.

The browser shows them, by a rule of CSS and the name that `picker.js` writes on the body: Gradio mounts anew whatever
it shows, with the value that it had at first, and what somebody typed meanwhile would be lost.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import gradio as gr

from app import forms
from app.forms import Control
from app.markup import html, safe
from app.method_names import method_title
from app.wiring import Updates, Values
from app.words import Say
from engine.methods import SIGN, part_names, part_settings, whole_settings
from engine.methods.spec import MethodSpec


class MethodForm:
    """Lays out one group of settings per method, of which the chosen ones are shown; each keeps what was set on it.

    Attributes:
        methods: By name.
        controls: Of each method, by setting.
        others: The menu of methods that train together with the chosen one.
        shown: The rule of CSS that shows the settings of those.
    """

    def __init__(self, say: Say, methods: Mapping[str, MethodSpec], first: str) -> None:
        self.methods = methods
        self.controls: dict[str, dict[str, Control]] = {}
        self.others = gr.Dropdown(
            [(method_title(say, name), name) for name, spec in methods.items() if spec.group != "beside"], value=[],
            multiselect=True, label=say("train.together"), info=say("train.together.info"), interactive=True,
            elem_id="gl-together",
        )  # fmt: skip
        html(f"<style>{shows_chosen(methods, first)}</style>", visible="hidden")
        self.shown = html(visible="hidden")
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

    def together(self, first: str, values: Values) -> str:
        """The method that is chosen, with those that train together with it."""
        return SIGN.join(dict.fromkeys([first, *(values[self.others] or [])]))

    def values(self, method: str, values: Values) -> dict[str, Any]:
        """The settings of a method, or of several together, as they stand on the form."""
        return whole_settings(method, {part: forms.read(self.controls[part], values) for part in part_names(method)})

    def filled(self, method: str, settings: Mapping[str, Any]) -> Updates:
        """The controls of a method, or of several together, with its settings; those not given get their defaults."""
        updates: Updates = {}
        for part in part_names(method):
            kind, own = self.methods[part].settings, part_settings(method, part, settings)
            updates |= forms.filled(self.controls[part], kind.fields(), kind.from_dict(own).to_dict())
        return updates

    def beside(self, others: Iterable[str]) -> Updates:
        """The menu of other methods with these chosen, and their settings in view."""
        return {self.others: list(others), self.shown: self.rule_of(others)}

    @staticmethod
    def rule_of(others: Iterable[str]) -> str:
        """The rule of CSS that shows the settings of methods beside the chosen one's."""
        named = ", ".join(f"body .gl-of-{name}.gl-of-method.gl-of-method" for name in others)
        return f"<style>{named} {{ display: flex !important; }}</style>" if named else ""


def shows_chosen(methods: Iterable[str], first: str) -> str:
    """Rules of CSS that show the group of the method that the body names, and before it names one the first's."""
    chosen = [f"body[data-method={name}] .gl-of-{name}.gl-of-method" for name in methods]
    shown = ", ".join([f"body:not([data-method]) .gl-of-{first}.gl-of-method", *chosen])
    hidden = ".gl-of-method.gl-of-method { display: none !important; }"  # Gradio gives columns a display of their own
    return f"{hidden} {shown} {{ display: flex !important; }}"
