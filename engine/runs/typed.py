"""Checks values of a JSON file against the types of a dataclass's fields."""

import functools
from collections.abc import Mapping
from types import MappingProxyType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

LARGEST = 2**53
"""Beyond it a browser's numbers are not exact."""

WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a mapping",
}


def checked(name: str, value: Any, hint: Any) -> Any:  # noqa: ANN401 - any JSON value, any type hint
    """The value, if it has the type.

    Raises:
        ValueError: It has not; the message names the entry.
    """
    if any(_fits(value, kind) for kind in _kinds(hint)):
        return value
    wanted = " or ".join(WORDS[get_origin(kind) or kind] for kind in _kinds(hint) if kind is not type(None))
    raise ValueError(f"{name} is {shortened(value)}, but it must be {wanted}")


def hints_of(cls: type) -> Mapping[str, Any]:
    """The types of a dataclass's fields by name. Python makes them anew each time, half of the work of a long list."""
    return _cached_hints(cls)


@functools.cache
def _cached_hints(cls: Any) -> Mapping[str, Any]:  # noqa: ANN401 - mypy takes classes for unhashable
    return MappingProxyType(get_type_hints(cls))


def optional(hint: Any) -> bool:  # noqa: ANN401 - any type hint
    """Whether a field may be None."""
    return type(None) in _kinds(hint)


def shortened(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """A value as it appears in a sentence."""
    text = repr(value)
    return text if len(text) <= 40 else text[:40] + "…"


def _kinds(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401 - any type hint
    return get_args(hint) if isinstance(hint, UnionType) else (hint,)


def _fits(value: Any, kind: Any) -> bool:  # noqa: ANN401 - any JSON value, any type hint
    outer = get_origin(kind) or kind
    whole = isinstance(value, int) and not isinstance(value, bool)
    if outer is int:
        return whole and 0 <= value <= LARGEST
    if outer is float:
        return isinstance(value, float) or (whole and abs(value) <= LARGEST)
    if not isinstance(value, outer):
        return False
    return outer is not list or all(isinstance(entry, get_args(kind)[0]) for entry in value)
