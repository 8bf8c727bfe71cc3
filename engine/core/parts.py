"""Long work in parts: between two of them whoever has it done may do something else, or give it up."""

import functools
from collections.abc import Callable, Generator
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
Y = TypeVar("Y")
Parts = Generator[None, None, T]
"""Yields after each part, and returns the result."""


def whole(parts: Parts[T]) -> T:
    """Do all parts at once; returns the result."""
    try:
        while True:
            next(parts)
    except StopIteration as end:
        result: T = end.value
        return result


def told(parts: Parts[T], value: Y) -> Generator[Y, None, T]:
    """The same work, yielding a value instead of nothing."""
    while True:
        try:
            next(parts)
        except StopIteration as end:
            result: T = end.value
            return result
        yield value


class InParts(Generic[P, T]):
    """A function that is written as `Parts`. Called, it does all of them.

    Attributes:
        parts: Begins the work, for whoever wants something else done in between.
    """

    def __init__(self, parts: Callable[P, Parts[T]]) -> None:
        functools.update_wrapper(self, parts)
        self.parts = parts

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Do all of it."""
        return whole(self.parts(*args, **kwargs))


def parts_of(function: Callable[..., T], *args: Any, **kwargs: Any) -> Parts[T]:  # noqa: ANN401 - those of the function
    """The work of a function, in its parts where it has any."""
    parts: Callable[..., Parts[T]] | None = getattr(function, "parts", None)
    if parts is None:
        return function(*args, **kwargs)
    return (yield from parts(*args, **kwargs))
