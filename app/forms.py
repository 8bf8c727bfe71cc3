"""A form from a `Settings` class: one component per setting, labelled and explained in the page's language."""

from collections.abc import Iterable, Mapping
from typing import Any

import gradio as gr

from app.wiring import Updates, Values
from app.words import Say
from engine.core.settings import Field

Control = gr.Checkbox | gr.Textbox | gr.Dropdown | gr.Number
"""The component of one setting."""


def word(say: Say, field: str, scope: str = "", part: str = "") -> str:
    """The label of a setting (or its help, with part ".help"); a method may say it in its own way. Empty if unsaid."""
    keys = (f"setting.{scope}.{field}{part}", f"setting.{field}{part}")
    return next((say(key) for key in keys if key in say), "")


def explained(say: Say, field: Field, scope: str = "") -> str:
    """The help of a setting: the engine's own in English, which the other languages translate."""
    return word(say, field.name, scope, ".help") or field.info.help


def choice(say: Say, value: str) -> str:
    """How one of a setting's allowed values reads."""
    key = f"choice.{value}"
    return say(key) if key in say else value


def _range(say: Say, field: Field) -> str:
    low, high = field.info.low, field.info.high
    if low is None or field.kind is bool:
        return ""
    if high is None or high >= 1e6:
        return say("form.at_least", low=f"{low:g}")
    return say("form.between", low=f"{low:g}", high=f"{high:g}")


def control(field: Field, say: Say, value: Any, scope: str = "") -> Control:  # noqa: ANN401 - any setting's value
    """The component for one setting.

    Args:
        field: The setting.
        say: The page's words.
        value: What it holds at first; None leaves an optional number empty.
        scope: The method it belongs to.
    """
    info = explained(say, field, scope)
    if field.info.advanced or scope:
        info = " ".join(filter(None, (info, _range(say, field))))
    common: dict[str, Any] = {
        "label": word(say, field.name, scope) or field.name,
        "info": info,
        "interactive": True,
        "elem_id": f"gl-{scope or 'set'}-{field.name}",
        "elem_classes": "gl-setting",
        "min_width": 200 if field.info.choices else 130,
    }
    if field.kind is bool:
        return gr.Checkbox(value=bool(value), **common)
    if field.optional:
        return gr.Textbox(optional_text(value), placeholder=say("form.auto"), max_lines=1, **common)
    if field.info.choices:
        names = [(choice(say, name), name) for name in field.info.choices]
        return gr.Dropdown(names, value=value, filterable=False, **common)
    if field.kind is str:
        return gr.Textbox(value=str(value), max_lines=3, **common)
    common["step"] = 1 if field.kind is int else "any"
    return gr.Number(value=value, **common)


def controls(fields: Iterable[Field], say: Say, scope: str = "") -> dict[str, Control]:
    """The components of some settings by name, which hold the defaults."""
    return {field.name: control(field, say, field.default, scope) for field in fields}


def optional_text(value: object) -> str:
    """How an optional number stands in its field: empty when it is left to the engine."""
    return "" if value is None else f"{value:g}"


def read(controls: Mapping[str, Control], values: Values) -> dict[str, Any]:
    """The settings by name, from a form's values."""
    return {name: values[control] for name, control in controls.items()}


def filled(controls: Mapping[str, Control], fields: Iterable[Field], settings: Mapping[str, Any]) -> Updates:
    """The controls with the values of all settings."""
    return {
        controls[field.name]: optional_text(settings[field.name]) if field.optional else settings[field.name]
        for field in fields
    }
