"""Self-describing settings: frozen dataclasses from which the form, the flags and the docs are derived.

A *setting* is one field of such a dataclass. Its metadata carries the bounds, the unit, a former name and a sentence of
help; `Settings.__post_init__` checks the bounds once, so that users of a settings object need not.
"""

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from engine.core.errors import SettingError


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingInfo:
    """Metadata of one setting.

    Attributes:
        help: One sentence: what it does.
        low: Smallest valid value, inclusive; None for no bound.
        high: Largest valid value, inclusive; None for no bound.
        choices: The allowed values, when they can be listed.
        unit: Unit shown behind the number.
        advanced: Whether the page hides it under "all settings".
        log: Whether a slider for it should be logarithmic.
        was: Its former name, which files and flags may still use; empty if it has none.
        tries: Values that a search over settings tries, small ones first; empty where it leaves the default.
    """

    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    advanced: bool = False
    log: bool = False
    was: str = ""
    tries: tuple[Any, ...] = ()


def setting(default: Any, help: str, **facts: Any) -> Any:  # noqa: ANN401 - a dataclass field stands for any type
    """Make a dataclass field that carries a `SettingInfo`."""
    return dataclasses.field(default=default, metadata={"setting": SettingInfo(help=help, **facts)})


@dataclass(frozen=True, slots=True)
class Field:
    """One setting with its name, type and default, as a form or a command line needs it."""

    name: str
    kind: type
    default: Any
    optional: bool
    info: SettingInfo


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Base of every settings dataclass: lists its fields, checks their bounds, converts to and from plain values."""

    def __post_init__(self) -> None:
        """Check every setting once.

        Raises:
            SettingError: A value has the wrong type or lies outside its bounds; the message names all three.
        """
        for field in self.fields():
            object.__setattr__(self, field.name, _checked(field, getattr(self, field.name)))

    @classmethod
    def fields(cls) -> Iterator[Field]:
        """Yield every setting in order of declaration."""
        yield from _fields_of(cls)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, Any]:
        """Plain values by field name, fit for JSON and YAML."""
        return {field.name: getattr(self, field.name) for field in self.fields()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build from plain values; text such as "1e-3" is converted to the field's type, former names are accepted.

        Raises:
            SettingError: A name is unknown or a value does not fit.
        """
        known = {field.name: field for field in cls.fields()}
        values = cls.up_to_date(values)
        for name in values:
            if name not in known:
                raise SettingError(
                    "unknown_setting",
                    f"There is no setting called {name!r} here; choose one of {', '.join(known)}.",
                    field=name,
                    known=", ".join(known),
                )
        return cls(**{name: _parsed(known[name], value) for name, value in values.items()})

    @classmethod
    def renamed(cls) -> dict[str, str]:
        """The present name of every setting by its former one."""
        return {field.info.was: field.name for field in cls.fields() if field.info.was}

    @classmethod
    def up_to_date(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """The same values under present names; where a setting stands under both, the present name wins."""
        renamed = cls.renamed()
        former = {renamed[name]: value for name, value in values.items() if name in renamed}
        return former | {name: value for name, value in values.items() if name not in renamed}


@functools.cache
def _fields_of(cls: type[Settings]) -> tuple[Field, ...]:
    """The settings of one class; to read its type hints takes long, and a run asks for them a hundred times."""
    hints = typing.get_type_hints(cls)
    return tuple(
        Field(field.name, kind, field.default, optional, field.metadata["setting"])
        for field in dataclasses.fields(cls)
        if "setting" in field.metadata
        for kind, optional in (_plain(hints[field.name]),)
    )


def _plain(hint: Any) -> tuple[type, bool]:  # noqa: ANN401 - type hints have no common type
    """Split `X | None` into (X, True), and X into (X, False)."""
    if isinstance(hint, types.UnionType):
        (kind,) = [part for part in typing.get_args(hint) if part is not type(None)]
        return kind, True
    return hint, False


def _parsed(field: Field, value: Any) -> Any:  # noqa: ANN401 - any value of a form, a flag or a YAML file
    """Convert text from a form or a flag to the field's type."""
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


def _checked(field: Field, value: Any) -> Any:  # noqa: ANN401 - any setting's value
    """Return the value in the field's type, or raise the error that names what is wrong."""
    if value is None and field.optional:
        return None
    if field.kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if field.kind is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, field.kind) or (field.kind is int and isinstance(value, bool)):
        wanted = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}[field.kind]
        raise _bad(field, value, wanted)
    if field.info.choices and value not in field.info.choices:
        raise _bad(field, value, "one of " + ", ".join(field.info.choices))
    if isinstance(value, (int, float)) and not _within(field.info, value):
        raise _bad(field, value, _range(field.info) if _finite(value) else "a finite number")
    return value


def _within(info: SettingInfo, value: float) -> bool:
    low = -math.inf if info.low is None else info.low
    high = math.inf if info.high is None else info.high
    return _finite(value) and low <= value <= high


def _finite(value: float) -> bool:
    """Whether it is a number that a float can hold: a whole one may have any number of digits."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _range(info: SettingInfo) -> str:
    if info.high is None:
        return f"at least {info.low:g}"
    if info.low is None:
        return f"at most {info.high:g}"
    return f"between {info.low:g} and {info.high:g}"


def _bad(field: Field, value: Any, wanted: str) -> SettingError:  # noqa: ANN401 - the value is wrong by definition
    return SettingError(
        "bad_setting",
        f"{field.name} is {value!r}, but it must be {wanted}.",
        field=field.name,
        value=value,
        wanted=wanted,
    )
