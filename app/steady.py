"""Dictionaries that may grow while someone walks through them, for what Gradio keeps of each session.

Gradio 6.31 renders in one thread and serves the session's other events in another. Both add to the same dictionaries of
components and functions and walk through them; where they meet, "dictionary changed size during iteration" ends one of
the two, and half of the form would be missing. (An event adds a component where it reads one that was updated before.)
"""

from collections.abc import ItemsView, Iterator, ValuesView
from typing import TypeVar, cast

import gradio as gr

K = TypeVar("K")
V = TypeVar("V")


class Steady(dict[K, V]):
    """A dictionary that is walked through as it was at the beginning of the walk."""

    def __iter__(self) -> Iterator[K]:
        return iter(list(super().__iter__()))

    def values(self) -> ValuesView[V]:
        """All values as they are now."""
        return cast("ValuesView[V]", list(super().values()))

    def items(self) -> ItemsView[K, V]:
        """All pairs as they are now."""
        return cast("ItemsView[K, V]", list(super().items()))


def steady(page: gr.Blocks) -> gr.Blocks:
    """The finished page, whose sessions start with copies of what is made steady here."""
    page.default_config.blocks = Steady(page.default_config.blocks)
    page.default_config.fns = Steady(page.default_config.fns)
    return page
