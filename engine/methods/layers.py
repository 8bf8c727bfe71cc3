"""Layers that a setting names by a text, such as "0 2-5". Needs no torch."""

import re
from collections.abc import Sequence

from engine.core.errors import SettingError

SPAN = re.compile(r"(\d+)(?:-(\d+))?")


def parse_layers(text: str) -> tuple[int, ...] | None:
    """The layers that a text names, lowest first; None where it is empty, which means all.

    Raises:
        SettingError: It is no list of numbers and spans such as "0 2-5".
    """
    chosen: set[int] = set()
    for word in text.replace(",", " ").split():
        match = SPAN.fullmatch(word)
        if match is None or int(match[2] or match[1]) - int(match[1]) not in range(10_000):
            raise SettingError(
                "bad_layers",
                f"layers holds {word!r}: write numbers and spans such as 0 2-5, with spaces between.",
                field="layers",
                value=word,
            )
        chosen.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return tuple(sorted(chosen)) if chosen else None


def chosen_layers(text: str, count: int) -> tuple[int, ...]:
    """The layers that a text names in a model of so many.

    Raises:
        SettingError: The model has no such layer.
    """
    layers = parse_layers(text) or tuple(range(count))
    if layers[-1] >= count:
        raise SettingError(
            "no_such_layer",
            f"layers names {layers[-1]}, but this model's layers are 0 to {count - 1}.",
            field="layers",
            value=layers[-1],
            last=count - 1,
        )
    return layers


def text_of_layers(layers: Sequence[int], count: int) -> str:
    """The text that names these layers, in ascending order, of a model of so many; empty where they are all."""
    if len(layers) == count:
        return ""
    spans = list[list[int]]()
    for layer in layers:
        if spans and spans[-1][-1] == layer - 1:
            spans[-1].append(layer)
        else:
            spans.append([layer])
    return " ".join(f"{span[0]}-{span[-1]}" if len(span) > 1 else f"{span[0]}" for span in spans)
