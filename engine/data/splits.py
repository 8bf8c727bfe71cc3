"""Which rows train, which validate, which test, when the file does not say: seeded, and without leaks.

Rows that ask the same are one group, and a group goes to one split as a whole. So nothing that is validated on was
trained on, and what is kept off has no row twice.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.core.errors import DataError
from engine.data.settings import DataSettings
from engine.data.split_names import NAMES
from engine.data.table import Table

Indices = NDArray[np.int64]
"""Numbers of rows, or a number for each row."""

SPLITS = ("train", "validation", "test")


def groups(data: pa.Table, columns: Sequence[str]) -> Indices:
    """A number for each row; rows with equal cells in these columns have the same."""
    cells = data.select(list(dict.fromkeys(columns))).to_pandas()
    out: Indices = cells.groupby(list(cells.columns), sort=False, dropna=False).ngroup().to_numpy()
    return out


def by_column(table: Table) -> dict[str, Indices] | None:
    """Rows by split, where a column called "split" says so for each of them; None where there is none."""
    column = next((name for name in table.columns if name.strip().lower() == "split"), None)
    if column is None or any(value.lower() not in NAMES for value in table.values(column)):
        return None
    splits: dict[str, list[int]] = {}
    for row, value in enumerate(table.data.column(column).to_pylist()):
        splits.setdefault(NAMES[(value or "").strip().lower() or "train"], []).append(row)
    return {split: np.array(rows, np.int64) for split, rows in splits.items()} if "train" in splits else None


def cut_off(
    rows: Indices,
    asked: Indices,
    whole: Indices,
    missing: Sequence[str],
    settings: DataSettings,
    name: str,
    strata: Indices | None = None,
) -> dict[str, Indices]:
    """The rows of "train", and of each missing split what the settings say, at most a fifth of rows and of questions.

    Args:
        rows: Rows to share out.
        asked: A number for each row of the table: rows that ask the same have the same.
        whole: The same for rows that are equal in everything.
        missing: Splits to make.
        settings: How many rows, and the seed.
        name: The file, for sentences.
        strata: A number for each row of the table, such as its label's: every split gets its share of each.

    Raises:
        DataError: There are too few rows that ask different things.
    """
    _, group_of, counts = np.unique(asked[rows], return_inverse=True, return_counts=True)
    members = np.split(rows[np.argsort(group_of, kind="stable")], np.cumsum(counts)[:-1])
    order = np.random.default_rng(settings.split_seed).permutation(len(members))
    if strata is not None:
        order = _spread(order, strata[[group[0] for group in members]])
    splits: dict[str, Indices] = {}
    taken = 0
    for split in missing:
        wanted = settings.validation_rows if split == "validation" else settings.test_rows
        size, groups_left = max(1, min(wanted, len(rows) // 5)), order[taken : taken + max(1, len(order) // 5)]
        splits[split], used = _different_rows([members[group] for group in groups_left], whole, size)
        taken += used
    splits["train"] = rows[~np.isin(group_of, order[:taken])]
    if not all(len(part) for part in splits.values()):
        raise DataError(
            "too_few_rows",
            f"{name} has too few rows that ask different things ({len(order)}) to keep some for validation and "
            "scoring: give files for both with the data settings validation and test, or more rows.",
            file=name,
            count=len(order),
        )
    return splits


def _different_rows(members: Sequence[Indices], whole: Indices, size: int) -> tuple[Indices, int]:
    """Up to `size` rows that differ, of the first groups that hold so many; and how many groups that are."""
    kept: dict[int, int] = {}
    used = 0
    while len(kept) < size and used < len(members):
        for row in members[used]:
            kept.setdefault(int(whole[row]), int(row))
        used += 1
    return np.array(list(kept.values())[:size], dtype=np.int64), used


def _spread(order: Indices, strata: Indices) -> Indices:
    """The same order, but with the members of every stratum spread evenly over it: any beginning has its share."""
    seen: dict[int, int] = {}
    totals = dict(zip(*np.unique(strata, return_counts=True), strict=True))
    places = []
    for group in order:
        stratum = int(strata[group])
        seen[stratum] = seen.get(stratum, 0) + 1
        places.append((seen[stratum] - 0.5) / totals[stratum])
    return order[np.argsort(places, kind="stable")]
