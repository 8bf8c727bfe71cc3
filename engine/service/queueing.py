"""Trains the runs of the queue one after another, and lets visitors change it as far as each may. Needs no torch."""

import dataclasses
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from engine.core.errors import RunError, SettingError
from engine.runs.queue import QueueEntry, RunQueue
from engine.service.limits import Limits
from engine.service.queued import Queued, listed
from engine.service.rights import Rights
from engine.service.status import LiveStatus

LOOK_S = 0.5
"""Seconds between two looks at whether the next run can begin: another process may have added one."""
REST_S = 30.0
"""Seconds without a look after one that failed, as on a full disk."""

log = logging.getLogger(__name__)


class Queueing:
    """The queue of one workbench. Safe from any thread.

    Args:
        queue: The file.
        live: Returns the worker's present status.
        rights: Of whoever asks.
        limits: How much each visitor may have.
        begin: Starts or resumes the run of an entry, and returns when it trains.
        starting: Held while a run begins, whoever begins it.
        closing: Set when the workbench ends.
        prepare: Reads what the run of an entry needs, which may take long: nobody waits for it.
    """

    def __init__(
        self,
        queue: RunQueue,
        live: Callable[[], LiveStatus],
        rights: Rights,
        limits: Limits,
        begin: Callable[[QueueEntry], None],
        starting: AbstractContextManager[Any],
        closing: threading.Event,
        prepare: Callable[[QueueEntry], None] = lambda _: None,
    ) -> None:
        self.file = queue
        self._live, self._rights, self._limits, self._begin = live, rights, limits, begin
        self._starting, self._closing, self._prepare = starting, closing, prepare
        self._wake = threading.Event()
        self._present, self._planned = "", False
        self.planners: list[tuple[Callable[[], bool], Callable[[], None]]] = []
        """Each says whether it has anything to plan, and plans: called when nothing trains and before the next run
        begins, it may add some."""
        if not rights.watch_only:
            threading.Thread(target=self._serve, name="gatelight-queue", daemon=True).start()

    def shown(self) -> list[Queued]:
        """The queue, with what the asker may do with each run; a guest sees their own runs only."""
        entries, visitor = self.file.entries(), self._rights.who()
        rows = listed(entries, self._live())
        waiting = [row.owner for row in rows if row.place is not None]
        return [
            dataclasses.replace(
                row,
                removable=visitor.changes(row.owner) and row.state != "begun",
                up=row.place is not None and row.place > 0 and self._may_move(waiting, row.place, row.place - 1),
                down=row.place is not None
                and row.place < len(waiting) - 1
                and self._may_move(waiting, row.place, row.place + 1),
            )
            for row in rows
            if visitor.sees(row.owner)
        ]

    def holds(self, run: str) -> bool:
        """Whether a run waits, or trains as part of the queue."""
        return self.file.holds(run)

    def waits(self, run: str) -> bool:
        """Whether a run waits."""
        return any(entry.run == run for entry in self.file.waiting() if entry.state == "waiting")

    def count(self, owner: str | None = None) -> int:
        """How many runs of an owner have no folder yet; of all owners where that is None."""
        waiting = [entry for entry in self.file.waiting() if not (self.file.root / entry.run).exists()]
        return sum(owner in (None, entry.owner) for entry in waiting)

    def enter(self, entries: Sequence[QueueEntry], *, first: bool = False) -> None:
        """Put runs at the end, or before all others that wait.

        Raises:
            RunError: As many wait as may.
        """
        owner = entries[0].owner
        waiting = [entry.owner for entry in self.file.waiting() if entry.state == "waiting"]
        self._limits.check_waiting(waiting.count(owner) + len(entries), len(waiting) + len(entries))
        self.file.add(entries, first=first)
        self.wake()

    def wake(self) -> None:
        """Look at once, and ask the planners, too."""
        self._planned = False
        self._wake.set()

    def move(self, run: str, place: int) -> None:
        """Put a waiting run at a place among all that wait, 0 for the next one.

        Raises:
            WorkbenchError: It does not wait, or the asker may not put it there.
        """
        entry = self._own(run)
        waiting = [one for one in self.file.waiting() if one.state == "waiting"]
        runs, owners = [one.run for one in waiting], [one.owner for one in waiting]
        if entry.run in runs and not self._may_move(owners, runs.index(run), place):
            text = f"The run {run!r} would go before somebody else's: only a driver of this server can do that."
            raise RunError("queue_before_others", text, run=run)
        self.file.move(run, place)

    def remove(self, run: str) -> None:
        """Take a run out that waits or could not begin.

        Raises:
            WorkbenchError: It is not there or trains already, or the asker may not change it.
        """
        if self._own(run).state == "begun" and self._live().run == run:
            raise RunError("queue_stop", f"The run {run!r} trains already: stop it instead.", run=run)
        self.file.remove(run)
        self.wake()

    def close(self) -> None:
        """Let another process train the queue."""
        self.file.release()

    def _own(self, run: str) -> QueueEntry:
        """An entry that the asker may change."""
        entry = self.file.find(run)
        self._rights.to_change(run, entry.owner)
        return entry

    def _may_move(self, owners: Sequence[str], place: int, to: int) -> bool:
        """Whether the asker may move a run that waits: before others' runs, only a driver."""
        visitor = self._rights.who()
        return visitor.changes(owners[place]) and all(visitor.changes(owner) for owner in owners[max(0, to) : place])

    def _serve(self) -> None:
        while not self._closing.is_set():
            self._wake.wait(LOOK_S)
            self._wake.clear()
            try:
                self.look()
            except Exception:
                log.exception("The queue cannot go on now; it tries again.")
                self._closing.wait(REST_S)

    def look(self) -> None:
        """Where nothing trains, take out the run that has ended, and begin the next one."""
        if self._live().run is not None or not self._anything():
            return
        with self._starting:
            entry = self._next()
        if entry is None:
            return
        problem = self._unprepared(entry)
        with self._starting:
            if not self._closing.is_set() and self._live().run is None and self.file.holds(entry.run):
                self._train(entry, problem)

    def _next(self) -> QueueEntry | None:
        """The entry that begins now, after all that have ended; None where none does, or another process trains."""
        if self._closing.is_set() or self._live().run is not None or not self.file.take():
            return None
        if self._present:
            self.file.remove(self._present)
            self._present = ""
        self._planned = True
        for _, plan in self.planners:
            plan()
        entry = self.file.begin_next()
        if entry is None:
            self.file.release()
        return entry

    def _unprepared(self, entry: QueueEntry) -> Exception | None:
        """Prepare a run; returns why it cannot begin."""
        try:
            self._prepare(entry)
        except Exception as error:
            return error
        return None

    def _anything(self) -> bool:
        if not self._planned:
            self._planned = not any(pending() for pending, _ in self.planners)
        return bool(self._present or not self._planned or self.file.waiting())

    def _train(self, entry: QueueEntry, problem: Exception | None) -> None:
        """Begin a run; where that fails or there is a problem, its entry says why, and the next one is tried."""
        try:
            if problem is not None:
                raise problem
            self._begin(entry)
        except Exception as error:
            if self._closing.is_set():
                return
            if not isinstance(error, RunError | SettingError):
                log.info("The run %s of the queue cannot begin.", entry.run, exc_info=error)
            self.file.put(entry.failed(error))
            self._planned = False
        else:
            self._present = entry.run
        self._wake.set()
