"""A seeded sample of rows that come one after the other, when nobody knows how many there will be.

Every row gets a random number, and the rows with the smallest ones are kept, in the order of the file. So each row of a
file has the same chance whatever the file is sorted by, no more than twice the limit is ever in memory, and most rows
of a long file are passed over without being taken apart.
"""

from array import array

import numpy as np
from numpy.typing import NDArray

from engine.data.row_limit import RowLimit

DRAWN = 8192
"""Random numbers that are drawn at once."""


class RowSample:
    """Decides row by row which ones are worth reading, and in the end which ones stay."""

    def __init__(self, limit: RowLimit) -> None:
        self.limit = limit
        self.count = 0
        self._rng = np.random.default_rng(limit.seed)
        self._drawn: NDArray[np.float64] = np.empty(0)
        self._highest = 1.0
        self._numbers, self._rows = array("d"), array("q")

    @property
    def cut(self) -> bool:
        """Whether there were more rows than the limit."""
        return self.count > self.limit.rows

    @property
    def crowded(self) -> bool:
        """Whether so many rows wait that it is time to call `kept`."""
        return len(self._rows) >= 2 * self.limit.rows

    def wants(self) -> bool:
        """Whether the next row of the file may stay; its reader takes it then, and passes it over otherwise."""
        place = self.count % DRAWN
        if not place:
            self._drawn = self._rng.random(DRAWN)
        number = float(self._drawn[place])
        self.count += 1
        if number >= self._highest:
            return False
        self._numbers.append(number)
        self._rows.append(self.count - 1)
        return True

    def kept(self) -> NDArray[np.int64]:
        """Which of the rows that were taken stay, by their number among them, in order; the others are forgotten."""
        numbers = np.array(self._numbers)
        if len(numbers) <= self.limit.rows:
            return np.arange(len(numbers))
        smallest = np.argpartition(numbers, self.limit.rows)[: self.limit.rows]
        self._highest = float(numbers[smallest].max())
        stay: NDArray[np.int64] = np.sort(smallest)
        self._numbers, self._rows = array("d", numbers[stay]), array("q", self.rows[stay])
        return stay

    @property
    def rows(self) -> NDArray[np.int64]:
        """Numbers of the kept rows in the file, from 0 on."""
        return np.array(self._rows, np.int64)


def rows_of(count: int, limit: RowLimit) -> NDArray[np.int64]:
    """The numbers of a sample's rows in order, where it is known how many there are."""
    if count <= limit.rows:
        return np.arange(count)
    rows: NDArray[np.int64] = np.random.default_rng(limit.seed).choice(count, limit.rows, replace=False, shuffle=False)
    return np.sort(rows)
