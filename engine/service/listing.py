"""The rows of the table of runs, kept in memory: only what has changed is read and told again. Needs no torch."""

import os
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.runs.folder import CACHED_AFTER_S, RunFolder
from engine.runs.scan import folder_names
from engine.runs.summary import RunSummary

Stamp = tuple[tuple[int, int, int], ...]
"""Time of change, size and number of a run's folder, its run.json and its adapter."""

NOTHING = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class RunNews:
    """What has changed in the list of runs since a version of it.

    Attributes:
        version: Of the list as it is now; whoever sends it back is told only what has changed since.
        order: Ids of all runs, as `RunStore.summaries` orders them; None where neither they nor their order changed.
        runs: The runs that are new or have changed.
    """

    version: str
    order: list[str] | None
    runs: list[RunSummary]


class RunRows:
    """The runs below one folder as rows of a table. A run whose files are as they were is not read again.

    Args:
        root: Folder of the run folders.
        read: Makes the row of a folder, with the status that run.json has; None where it is no run.
        present: Puts the present status into a row: a process that trains ends without a change of any file.
    """

    def __init__(
        self,
        root: Path,
        read: Callable[[RunFolder], RunSummary | None],
        present: Callable[[RunSummary], RunSummary],
    ) -> None:
        self.root, self._read, self._present = root, read, present
        self._kept: dict[str, tuple[Stamp, RunSummary]] = {}

    def rows(self) -> list[RunSummary]:
        """All rows, newest first, the damaged ones behind them."""
        former, kept, now = self._kept, dict[str, tuple[Stamp, RunSummary]](), time.time_ns()
        readable, damaged = [], []
        for name in folder_names(self.root):
            stamp = _stamp(f"{self.root}/{name}")
            known = former.get(name)
            row = known[1] if known is not None and known[0] == stamp else self._read(RunFolder(self.root / name))
            if row is None:
                continue
            if row.problem is not None:
                damaged.append(row)
                continue
            readable.append(self._present(row))
            if all(abs(now - changed) > CACHED_AFTER_S * 1e9 for changed, *_ in stamp):
                kept[name] = (stamp, row)
        self._kept = kept
        return sorted(readable, key=lambda row: (row.created, row.id), reverse=True) + damaged


def _stamp(folder: str) -> Stamp:
    return tuple(_changed(path) for path in (folder, f"{folder}/run.json", f"{folder}/adapter"))


def _changed(path: str) -> tuple[int, int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116 - a Path for each of a thousand runs costs more than the call
    except OSError:
        return NOTHING
    return status.st_mtime_ns, status.st_size, status.st_ino


class Newsroom:
    """Counts versions of a list of runs, so that a page is sent only what it does not have.

    Args:
        runs: Gives the list as it is now.
    """

    def __init__(self, runs: Callable[[], list[RunSummary]]) -> None:
        self._runs = runs
        self._lock = threading.Lock()
        self._name = uuid.uuid4().hex[:8]
        self._version = self._ordered = 0
        self._order: list[str] = []
        self._rows: dict[str, tuple[int, RunSummary]] = {}

    def since(self, version: str) -> RunNews:
        """What has changed since a version; everything where that is empty, or of another start of the workbench."""
        with self._lock:
            self._look()
            seen = self._number(version)
            changed = [row for since, row in self._rows.values() if since > seen]
            order = list(self._order) if self._ordered > seen else None
            return RunNews(f"{self._name}.{self._version}", order, changed)

    def _look(self) -> None:
        """Compare the list with that of the last look; a difference makes a new version."""
        rows: dict[str, RunSummary] = {}
        for row in self._runs():
            rows.setdefault(row.id, row)  # one's own run hides a recording with its name, here as anywhere else
        following = self._version + 1
        self._rows = {name: self._dated(row, following) for name, row in rows.items()}
        if self._order != list(rows):
            self._order, self._ordered = list(rows), following
        if self._ordered == following or any(since == following for since, _ in self._rows.values()):
            self._version = following

    def _dated(self, row: RunSummary, following: int) -> tuple[int, RunSummary]:
        """A row and the version since which it is as it is."""
        known = self._rows.get(row.id)
        return known if known is not None and (known[1] is row or known[1] == row) else (following, row)

    def _number(self, version: str) -> int:
        name, _, number = version.partition(".")
        return int(number) if name == self._name and number.isascii() and number.isdigit() and len(number) < 16 else -1
