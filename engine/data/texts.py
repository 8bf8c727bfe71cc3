"""The text in a value of a file: a list's parts together, an object's text."""

import json
from typing import Any

ALTERNATIVES = ("answer", "answers", "reference", "references", "output", "outputs", "target", "targets")
"""Columns whose lists hold several answers of which each is right, as SQuAD's do: the first is learned."""


def text_of(value: Any) -> str:  # noqa: ANN401 - whatever stands in the file
    """The text in a value: of a list all its texts, of an object its text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(text for each in value if (text := text_of(each)).strip())
    if isinstance(value, dict):
        return next((text_of(value[name]) for name in ("text", "value", "content") if name in value), json.dumps(value))
    return "" if value is None else json.dumps(value)


def answer_of(value: Any, column: str) -> str:  # noqa: ANN401 - as above
    """The same of a column that is answered: where its lists hold alternatives, the first."""
    if column.strip().lower() in ALTERNATIVES:
        if isinstance(value, dict) and isinstance(value.get("text"), list):
            value = value["text"]
        if isinstance(value, list):
            value = value[0] if value else ""
    return text_of(value)
