"""The queue of a folder of runs: which of them train one after another, in one file that survives any crash.

queue/queue.json    the entries in their order; a run keeps its entry until it has ended
queue/lock          held while the file changes
queue/trains        held by the process that trains the runs, so that no two do
"""

import functools
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from engine.config.resuming import Resuming
from engine.config.run import RunConfig
from engine.core.atomic import write_json
from engine.core.errors import RunError, WorkbenchError
from engine.core.writing import writing
from engine.runs.files import read_json
from engine.runs.folder import RunFolder
from engine.runs.scan import is_run_id
from engine.runs.typed import checked, hints_of, optional

FILE = "queue.json"
PATIENCE_S = 30
"""Seconds that a change waits for another process that changes the file."""
MOST_FAILED = 50
"""Entries that could not begin and are kept, so that people read why."""
MOST_TRIES = 3
"""Times that a run is begun: one that takes the process down with it shall not do so forever."""
STATES = ("waiting", "begun", "failed")


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueEntry:
    """A run that waits, trains, or could not begin.

    Attributes:
        run: Name of its folder, which is made when it begins.
        config: Its `RunConfig` as plain values.
        name: Display name; empty for the usual one.
        owner: Who added it, on a server with several visitors; empty otherwise.
        tags: Of the run.
        until: Step at which it is stopped and kept; None for its end.
        resuming: Settings that change when it is resumed.
        accept_changed: Whether it may be resumed although its data or its base have changed.
        state: "waiting", "begun", or "failed" where it could not begin.
        tries: How often it was begun since it made a step.
        step: That it had reached when it was begun last.
        seconds: Estimate of how long it takes; None when unknown.
        added: Seconds since the epoch.
        problem: `WorkbenchError.to_dict` of why it could not begin; None otherwise.
        message: The same as an English sentence; empty otherwise.
    """

    run: str
    config: dict[str, Any]
    name: str = ""
    owner: str = ""
    tags: list[str] = field(default_factory=list)
    until: int | None = None
    resuming: dict[str, Any] = field(default_factory=dict)
    accept_changed: bool = False
    state: str = "waiting"
    tries: int = 0
    step: int = 0
    seconds: float | None = None
    added: float = field(default_factory=time.time)
    problem: dict[str, Any] | None = None
    message: str = ""

    @property
    def ready(self) -> bool:
        """Whether it still has to train."""
        return self.state != "failed"

    def of_run(self) -> RunConfig:
        """Its config, checked.

        Raises:
            SettingError: A setting is unknown or out of bounds.
        """
        return RunConfig.from_dict(self.config)

    def of_resuming(self) -> Resuming:
        """What may be different when it is resumed."""
        return Resuming(training=self.resuming, accept_changed=self.accept_changed)

    def failed(self, error: Exception) -> Self:
        """The entry after its run could not begin."""
        problem = error.to_dict() if isinstance(error, WorkbenchError) else None
        message = str(error) if problem else f"{type(error).__name__}: {error}"
        return replace(self, state="failed", problem=problem, message=message)

    @classmethod
    def from_json(cls, values: Any) -> Self:  # noqa: ANN401 - any JSON value
        """An entry of the file.

        Raises:
            ValueError: It is none.
        """
        values = checked("an entry", values, dict[str, Any])
        hints = hints_of(cls)
        for name in ("run", "config"):
            checked(name, values.get(name), hints[name])
        known = {
            f.name: checked(f.name, values[f.name], hints[f.name])
            for f in fields(cls)
            if f.name in values and (values[f.name] is not None or optional(hints[f.name]))
        }
        entry = cls(**known)
        if entry.state not in STATES or not is_run_id(entry.run):
            raise ValueError("it is no entry of a queue")
        return entry


class RunQueue:
    """The queue of one folder of runs. Safe from any thread and any process.

    Args:
        root: Folder of the run folders; the queue has a folder beside it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._path = root.parent / "queue" / FILE
        self._trains = FileLock(self._path.with_name("trains"), thread_local=False)
        self._kept: tuple[tuple[int, int, int], list[QueueEntry]] | None = None

    def entries(self) -> list[QueueEntry]:
        """All entries in their order. One that is damaged is left out; so is everything where the file is."""
        try:
            status = self._path.stat()
        except OSError:
            return []
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        kept = self._kept
        if kept is None or kept[0] != stamp:
            self._kept = kept = (stamp, self._read()[0])
        return list(kept[1])

    def waiting(self) -> list[QueueEntry]:
        """The entries that still have to train, the one that trains now included."""
        return [entry for entry in self.entries() if entry.ready]

    def holds(self, run: str) -> bool:
        """Whether a run still has to train, or trains as part of the queue."""
        return any(entry.run == run for entry in self.waiting())

    def find(self, run: str) -> QueueEntry:
        """The entry of a run.

        Raises:
            RunError: It has none.
        """
        for entry in self.entries():
            if entry.run == run:
                return entry
        raise RunError("not_queued", f"The run {run!r} is not in the queue: it may have begun already.", run=run)

    def add(self, entries: Sequence[QueueEntry], *, first: bool = False) -> None:
        """Put entries at the end, or before all that wait. An older entry of the same run is replaced."""
        names = {entry.run for entry in entries}

        def added(present: list[QueueEntry]) -> list[QueueEntry]:
            others = [entry for entry in present if entry.run not in names]
            place = _begun(others) if first else len(others)
            return [*others[:place], *entries, *others[place:]]

        self._change(added)

    def move(self, run: str, place: int) -> None:
        """Put a waiting run at a place among those that wait, 0 for the next one to begin.

        Raises:
            RunError: It does not wait.
        """

        def moved(present: list[QueueEntry]) -> list[QueueEntry]:
            entry = next((one for one in present if one.run == run), None)
            if entry is None:
                self.find(run)
            if entry is None or entry.state == "begun":
                raise RunError("queue_begun", f"The run {run!r} has begun: it cannot be moved.", run=run)
            others = [one for one in present if one.run != run]
            begun = _begun(others)
            to = begun + max(0, min(place, len(others) - begun))
            return [*others[:to], entry, *others[to:]]

        self._change(moved)

    def remove(self, *runs: str) -> None:
        """Take entries out, where they are there."""
        if any(entry.run in runs for entry in self.entries()):
            self._change(lambda present: [entry for entry in present if entry.run not in runs])

    def put(self, entry: QueueEntry) -> None:
        """Replace the entry of the same run, unless it has been taken out meanwhile."""
        self._change(lambda present: [entry if one.run == entry.run else one for one in present])

    def begin_next(self) -> QueueEntry | None:
        """The entry that is next to train, from now on "begun" and in front; None where none waits.

        Only the process that holds the right to train may call this: an entry that is "begun" already was cut off by a
        crash, and comes first.
        """
        for entry in self.waiting():
            step = self._step(entry)
            tries = entry.tries if step <= entry.step else 0
            if tries >= MOST_TRIES:
                self.put(entry.failed(_gave_up(entry)))
                continue
            begun = replace(entry, state="begun", tries=tries + 1, step=step)
            self._change(functools.partial(_in_front, begun))
            return begun
        return None

    def _step(self, entry: QueueEntry) -> int:
        """Step that an entry's run has reached; 0 where it has not begun or is damaged."""
        try:
            return RunFolder(self.root / entry.run).facts().step
        except RunError:
            return 0

    def take(self) -> bool:
        """Take the right to train; whether no other process has it."""
        if self._trains.is_locked:
            return True
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._trains.acquire(timeout=0)
        except (Timeout, OSError):
            return False
        return True

    def release(self) -> None:
        """Give that right back."""
        self._trains.release(force=True)

    def _read(self) -> tuple[list[QueueEntry], bool]:
        """The entries, and whether something in the file is damaged."""
        try:
            values = read_json(self._path)
        except FileNotFoundError:
            return [], False
        except (OSError, ValueError):
            return [], True
        listed = values.get("entries") if isinstance(values, dict) else None
        entries, seen, damaged = list[QueueEntry](), set[str](), not isinstance(listed, list)
        for value in listed if isinstance(listed, list) else ():
            try:
                entry = QueueEntry.from_json(value)
            except ValueError:
                damaged = True
                continue
            if entry.run not in seen:
                entries.append(entry)
                seen.add(entry.run)
        return entries, damaged

    def _change(self, change: Callable[[list[QueueEntry]], list[QueueEntry]]) -> None:
        """Write the entries anew; what was damaged is set aside first.

        Raises:
            RunError: Another process holds the file.
            NotWrittenError: It cannot be written; it is as it was.
        """
        try:
            with writing(self._path), self._locked():
                entries, damaged = self._read()
                if damaged:
                    self._path.replace(self._path.with_name(f"{FILE}.damaged"))
                changed = _without_old_failures(change(entries))
                write_json(self._path, {"entries": [asdict(entry) for entry in changed]}, durable=True)
                self._kept = None
        except Timeout as error:
            text = "Another process changes the queue and does not come to an end: try again, or end that process."
            raise RunError("queue_locked", text) from error

    def _locked(self) -> AbstractContextManager[Any]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(self._path.with_name("lock"), timeout=PATIENCE_S)


def _begun(entries: Sequence[QueueEntry]) -> int:
    """How many entries at the front have begun."""
    return next((place for place, entry in enumerate(entries) if entry.state != "begun"), len(entries))


def _in_front(entry: QueueEntry, present: list[QueueEntry]) -> list[QueueEntry]:
    return [entry, *(one for one in present if one.run != entry.run)]


def _without_old_failures(entries: list[QueueEntry]) -> list[QueueEntry]:
    failed = [entry.run for entry in entries if not entry.ready]
    old = set(failed[:-MOST_FAILED])
    return [entry for entry in entries if entry.run not in old]


def _gave_up(entry: QueueEntry) -> RunError:
    text = f"The run {entry.run!r} was cut off {entry.tries} times while it trained: it is not begun again."
    return RunError("queue_gave_up", text, run=entry.run, n=entry.tries)
