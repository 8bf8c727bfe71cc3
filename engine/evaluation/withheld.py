"""Rows whose picture is withheld, or another row's: what a tuned model answers without having seen."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.data.row import Row

SEED = 0


def without_pictures(rows: Sequence[Row]) -> list[Row]:
    """The same questions, about nothing."""
    return [replace(row, picture=None) for row in rows]


def with_other_pictures(rows: Sequence[Row]) -> list[Row]:
    """The same questions, each about the picture of another row, drawn at random.

    Where there is one, it is that of a row with the same question and another answer: two pictures may show the same,
    and then the other one is as good as a row's own.
    """
    rng = random.Random(SEED)
    known = sorted({(row.prompt, row.response, row.picture) for row in rows if row.picture is not None})
    pictures = sorted({picture for _, _, picture in known})
    alike: dict[str, list[tuple[str, Path]]] = {}
    for prompt, answer, picture in known:
        alike.setdefault(prompt, []).append((answer, picture))

    def other(row: Row) -> Path | None:
        same = [picture for answer, picture in alike[row.prompt] if answer != row.response]
        others = [picture for picture in same or pictures if picture != row.picture]
        return rng.choice(others) if others else row.picture

    return [row if row.picture is None else replace(row, picture=other(row)) for row in rows]
