"""How many rows are read of a file, and which. Apart from the sample itself, since settings are read without numpy."""

from typing import NamedTuple


class RowLimit(NamedTuple):
    """Most rows that are read of a file, and the number that fixes which ones."""

    rows: int
    seed: int = 0
