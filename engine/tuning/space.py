"""What a search over methods varies: the method, its settings that name values to try, and the learning rate.

Needs no torch and no Optuna. A method's settings say themselves what is tried (`SettingInfo.tries`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.core.errors import SettingError
from engine.methods import METHODS, method_spec, part_names

RATE = "rate"
"""Name of the factor by which the usual learning rate is multiplied."""
RATE_FACTOR = 8.0
"""The learning rate is at most so many times as high or as low as the usual one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One setting of one method.

    Attributes:
        method: Its name.
        setting: Name of the setting.
        values: What is tried.
    """

    method: str
    setting: str
    values: tuple[Any, ...]

    @property
    def name(self) -> str:
        """Under which a study keeps it; settings of different methods are different, also when named alike."""
        return f"{self.method}.{self.setting}"

    @property
    def ordered(self) -> bool:
        """Whether the values are sizes, so that neighbours are alike."""
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.values)


def checked_methods(names: Sequence[str]) -> tuple[str, ...]:
    """Names of methods, or of several together, each once; all methods alone where none is given.

    Raises:
        SettingError: There is no such method, or these cannot train together.
    """
    known = tuple(METHODS)
    for name in names:
        if len(part_names(name)) > 1:
            method_spec(name).settings()
        elif name not in known:
            text = f"methods: there is no method {name!r}; choose from {', '.join(known)}."
            raise SettingError("unknown_method_of_search", text, name=name, known=", ".join(known))
    return tuple(dict.fromkeys(names)) or known


def choices(method: str) -> list[Choice]:
    """The settings of a method that a search varies."""
    fields = method_spec(method).settings.fields()
    return [Choice(method=method, setting=field.name, values=field.info.tries) for field in fields if field.info.tries]


def defaults(method: str) -> dict[str, Any]:
    """The method as it is by default, as values of its choices; the default rate has factor 1."""
    plain = method_spec(method).settings().to_dict()
    return {choice.name: plain[choice.setting] for choice in choices(method)}


def settings_of(method: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Method settings out of a study's values."""
    return {choice.setting: values[choice.name] for choice in choices(method) if choice.name in values}
