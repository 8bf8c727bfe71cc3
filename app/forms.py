"""A form from a `Settings` class: one component per knob, labelled and explained in the page's language."""

from collections.abc import Iterable
from typing import Any

import gradio as gr

from app.words import Say
from engine.core.settings import Field


def word(say: Say, field: str, scope: str = "", part: str = "") -> str:
    """The label of a setting (or its help, with part ".help"); a method may say it in its own way. Empty if unsaid."""
    keys = (f"setting.{scope}.{field}{part}", f"setting.{field}{part}")
    return next((say(key) for key in keys if key in say), "")


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


def control(field: Field, say: Say, value: object, scope: str = "") -> gr.components.Component:
    """The component for one knob.

    Args:
        field: The knob.
        say: The page's words.
        value: What it holds at first; None leaves an optional number empty.
        scope: The method it belongs to.
    """
    label = word(say, field.name, scope) or field.name
    info = word(say, field.name, scope, ".help") or field.info.help
    if field.info.advanced or scope:
        info = " ".join(filter(None, (info, _range(say, field))))
    common: dict[str, Any] = {
        "label": label,
        "info": info,
        "interactive": True,
        "elem_id": f"gl-{scope or 'set'}-{field.name}",
        "elem_classes": "gl-knob",
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
    return gr.Number(value=value, step=1 if field.kind is int else "any", **common)


def optional_text(value: object) -> str:
    """How an optional number stands in its field: empty when it is left to the engine."""
    return "" if value is None else f"{value:g}"


def gathered(fields: Iterable[Field], values: Iterable[object]) -> dict[str, Any]:
    """Plain values by name from a form's components, in order of `fields`."""
    return {field.name: value for field, value in zip(fields, values, strict=True)}
