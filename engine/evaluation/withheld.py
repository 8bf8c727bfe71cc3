"""Rows whose picture is withheld, or another row's: what a tuned model answers without having seen."""

import random
from collections.abc import Sequence
from dataclasses import replace

from engine.data.row import Row

SEED = 0


def without_pictures(rows: Sequence[Row]) -> list[Row]:
    """The same questions, about nothing."""
    return [replace(row, picture=None) for row in rows]


def with_other_pictures(rows: Sequence[Row]) -> list[Row]:
    """The same questions, each about a picture that belongs to other rows; as they are where there is only one."""
    pictures = list(dict.fromkeys(row.picture for row in rows if row.picture is not None))
    random.Random(SEED).shuffle(pictures)
    other = dict(zip(pictures, [*pictures[1:], *pictures[:1]], strict=True))
    return [row if row.picture is None else replace(row, picture=other[row.picture]) for row in rows]
