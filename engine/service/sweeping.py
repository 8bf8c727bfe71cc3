"""Deletes what nobody can reach any more: runs and uploads of guests whose cookies have expired, old leftovers."""

import threading
import time
from collections.abc import Callable

from engine.service.exports import EXPORTS
from engine.service.kept_data import KeptData
from engine.service.leftovers import sweep_left
from engine.service.runs import RunStore
from engine.service.visitor import OPERATOR, Visitor

EVERY_S = 600
"""Seconds between two sweeps."""
HOUR_S = 3600
WRITTEN = (EXPORTS, "queue", "ladders", "searches/*")
"""Folders below the workbench's own in which files are replaced under temporary names."""
UNUSED_S = HOUR_S
"""Age of an upload that no run needs after which it goes at a start: a page that waits for the server may name it."""
AWAY_S = 600
"""Seconds after a visitor's last page was closed until their uploads that no run needs go: it may be loaded anew."""
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
        self._timers: dict[str, threading.Timer] = {}
        self._lock = threading.Lock()

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
        self._data.drop_unused(self._now() - UNUSED_S)
        self._runs.exports.drop_orphans()
        self._data.drop_old(self._now() - OLD_S, guests=False)
        self.now_and_then()

    def left(self, visitor: Visitor, away: Callable[[], bool]) -> None:
        """A visitor has closed their last page: later, if they are still away, drop their uploads that no run needs.

        Args:
            visitor: Who; those who own nothing leave nothing.
            away: Whether they have no page open.
        """
        if not visitor.id and visitor != OPERATOR:
            return
        timer = threading.Timer(AWAY_S, self._drop, (visitor, away))
        timer.daemon = True
        with self._lock:
            if before := self._timers.pop(visitor.id, None):
                before.cancel()
            self._timers[visitor.id] = timer
        timer.start()

    def close(self) -> None:
        """Wait for nobody any more."""
        with self._lock:
            for timer in self._timers.values():
                timer.cancel()
            self._timers.clear()

    def _drop(self, visitor: Visitor, away: Callable[[], bool]) -> None:
        with self._lock:
            self._timers.pop(visitor.id, None)
        if away():
            self._data.drop_unused(self._now(), visitor)
