"""Deletes what nobody can reach any more: runs and uploads of guests whose cookies have expired, old leftovers."""

import time
from collections.abc import Callable

from engine.service.exports import EXPORTS
from engine.service.kept_data import KeptData
from engine.service.leftovers import sweep_left
from engine.service.runs import RunStore

EVERY_S = 600
"""Seconds between two sweeps."""
HOUR_S = 3600
WRITTEN = (EXPORTS, "queue", "ladders", "searches/*")
"""Folders below the workbench's own in which files are replaced under temporary names."""
OLD_S = 7 * 24 * HOUR_S
"""Age of an upload of an earlier version, which carries no mark, after which it goes if no run needs it."""


class Sweeping:
    """Sweeps when it is told that something is being added, and not too often.

    Args:
        runs: The run folders.
        data: The uploads.
        guest_hours: Hours that a guest's runs and uploads are kept: as long as their cookie. None for ever.
        now: Seconds since 1970.
    """

    def __init__(
        self, runs: RunStore, data: KeptData, guest_hours: int | None, now: Callable[[], float] = time.time
    ) -> None:
        self._runs, self._data, self._hours, self._now = runs, data, guest_hours, now
        self._swept: float | None = None

    def now_and_then(self) -> None:
        """Sweep, unless that was done a short time ago."""
        now = self._now()
        if self._hours is None or (self._swept is not None and now - self._swept < EVERY_S):
            return
        self._swept = now
        before = now - self._hours * HOUR_S
        self._runs.delete_of_guests(before)
        self._data.drop_old(before, guests=True)
        self._runs.exports.drop_orphans()

    def at_start(self) -> None:
        """Sweep, leftovers of earlier versions and of killed processes included."""
        home = self._runs.root.parent
        sweep_left(folder for name in WRITTEN for folder in home.glob(name))
        self._data.sweep_left()
        self._runs.exports.drop_orphans()
        self._data.drop_old(self._now() - OLD_S, guests=False)
        self.now_and_then()
