"""Settings that describe themselves: a frozen dataclass from which the form, the flags and the docs are derived.

A *knob* is one field of such a dataclass. Its metadata carries the label key, the bounds, the unit and a sentence of
help; `Settings.__post_init__` checks the bounds once, and nothing deeper checks them again.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from engine.core.errors import SettingError


@dataclass(frozen=True, kw_only=True, slots=True)
class Knob:
    """What a person needs to know to set one field.

    Attributes:
        help: One sentence: what it does and what to expect when it grows.
        low: Smallest value that can work, inclusive; None for no bound.
        high: Largest value that can work, inclusive; None for no bound.
        choices: The allowed values, when they can be listed.
        unit: Unit shown behind the number.
        advanced: Whether the page hides it under "all settings".
        log: Whether a slider for it should be logarithmic.
    """

    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    advanced: bool = False
    log: bool = False


def knob(default: Any, help: str, **facts: Any) -> Any:  # noqa: ANN401 - a dataclass field stands for any type
    """Make a dataclass field that carries a `Knob`."""
    return dataclasses.field(default=default, metadata={"knob": Knob(help=help, **facts)})


@dataclass(frozen=True, slots=True)
class Field:
    """One knob with its name, type and default, as a form or a command line needs it."""

    name: str
    kind: type
    default: Any
    optional: bool
    knob: Knob


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Base of every settings dataclass: knows its fields, checks its bounds, turns into plain values and back."""

    def __post_init__(self) -> None:
        """Check every knob once.

        Raises:
            SettingError: A value has the wrong type or lies outside its bounds; the message names all three.
        """
        for field in self.fields():
            object.__setattr__(self, field.name, _checked(field, getattr(self, field.name)))

    @classmethod
    def fields(cls) -> Iterator[Field]:
        """Yield every knob in order of declaration."""
        hints = typing.get_type_hints(cls)
        for field in dataclasses.fields(cls):
            if "knob" in field.metadata:
                kind, optional = _plain(hints[field.name])
                yield Field(field.name, kind, field.default, optional, field.metadata["knob"])

    def to_dict(self) -> dict[str, Any]:
        """Plain values by field name, fit for JSON and YAML."""
        return {field.name: getattr(self, field.name) for field in self.fields()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from plain values; text such as "1e-3" is converted to the field's type.

        Raises:
            SettingError: A name is unknown or a value does not fit.
        """
        known = {field.name: field for field in cls.fields()}
        for name in values:
            if name not in known:
                raise SettingError(
                    "unknown_setting",
                    f"There is no setting called {name!r} here; choose one of {', '.join(known)}.",
                    field=name,
                    known=", ".join(known),
                )
        return cls(**{name: _parsed(known[name], value) for name, value in values.items()})


def _plain(hint: Any) -> tuple[type, bool]:  # noqa: ANN401 - a type hint has no type of its own
    """Split `X | None` into (X, True), and X into (X, False)."""
    if isinstance(hint, types.UnionType):
        (kind,) = [part for part in typing.get_args(hint) if part is not type(None)]
        return kind, True
    return hint, False


def _parsed(field: Field, value: Any) -> Any:  # noqa: ANN401 - whatever came out of a form, a flag or a YAML file
    """Convert text from a form or a flag to the field's own type."""
    if not isinstance(value, str) or field.kind is str:
        return value
    text = value.strip()
    if field.optional and text.lower() in ("", "none", "auto"):
        return None
    if field.kind is bool:
        if text.lower() in ("true", "yes", "on", "1"):
            return True
        if text.lower() in ("false", "no", "off", "0"):
            return False
        raise _bad(field, value, "true or false")
    try:
        return field.kind(text)
    except ValueError as error:
        raise _bad(field, value, "a whole number" if field.kind is int else "a number") from error


def _checked(field: Field, value: Any) -> Any:  # noqa: ANN401 - any knob's value
    """Return the value in the field's own type, or say what is wrong with it."""
    if value is None and field.optional:
        return None
    if field.kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if field.kind is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, field.kind) or (field.kind is int and isinstance(value, bool)):
        wanted = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}[field.kind]
        raise _bad(field, value, wanted)
    if field.knob.choices and value not in field.knob.choices:
        raise _bad(field, value, "one of " + ", ".join(field.knob.choices))
    if isinstance(value, (int, float)) and not _within(field.knob, value):
        raise _bad(field, value, _range(field.knob) if math.isfinite(value) else "a finite number")
    return value


def _within(knob_: Knob, value: float) -> bool:
    low = -math.inf if knob_.low is None else knob_.low
    high = math.inf if knob_.high is None else knob_.high
    return math.isfinite(value) and low <= value <= high


def _range(knob_: Knob) -> str:
    if knob_.high is None:
        return f"at least {knob_.low:g}"
    if knob_.low is None:
        return f"at most {knob_.high:g}"
    return f"between {knob_.low:g} and {knob_.high:g}"


def _bad(field: Field, value: Any, wanted: str) -> SettingError:  # noqa: ANN401 - the value is wrong by definition
    return SettingError(
        "bad_setting",
        f"{field.name} is {value!r}, but it must be {wanted}.",
        field=field.name,
        value=value,
        wanted=wanted,
    )
