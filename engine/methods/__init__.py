"""The one table of methods. Adding a method is one file here and one row below.

A method's file is imported when its row is first looked at, so that the table itself costs nothing: the page is on
the screen before torch is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from engine.core.errors import SettingError

if TYPE_CHECKING:
    from engine.methods.base import Method

_ROWS = {
    "llama_adapter": "LlamaAdapter",
    "bottleneck": "Bottleneck",
    "adamix": "AdaMix",
    "lora": "Lora",
    "ia3": "IA3",
    "bias": "BiasTuning",
    "prefix": "PrefixTuning",
    "p_tuning_v2": "PTuningV2",
    "prompt": "PromptTuning",
    "p_tuning": "PTuning",
    "mask": "MaskTuning",
    "side": "SideTuning",
    "ladder": "LadderSideTuning",
}
"""Name of the file and of the class in it, in the order in which methods are listed."""


class _Table(Mapping[str, "type[Method]"]):
    def __getitem__(self, name: str) -> type[Method]:
        class_name = _ROWS[name]
        found: type[Method] = getattr(import_module(f"engine.methods.{name}.method"), class_name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(_ROWS)

    def __len__(self) -> int:
        return len(_ROWS)


METHODS: Mapping[str, type[Method]] = _Table()


def method_class(name: str) -> type[Method]:
    """The class behind a method's name.

    Raises:
        SettingError: There is no such method.
    """
    if name not in METHODS:
        known = ", ".join(METHODS)
        raise SettingError(
            "unknown_method",
            f"There is no method called {name!r}; choose one of {known}.",
            value=name,
            known=known,
        )
    return METHODS[name]
