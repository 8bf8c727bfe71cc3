"""How runs begin: at once, or in the queue while another one is active. Needs no torch."""

import dataclasses
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.config.resuming import Resuming
from engine.config.run import RunConfig
from engine.config.training import TRUST, TrainingSettings
from engine.core.errors import SettingError
from engine.runs.folder import RunFolder
from engine.runs.pace import seconds_per_step
from engine.runs.queue import QueueEntry, RunQueue
from engine.runs.scan import free_name, new_run_path
from engine.service import deferred
from engine.service.last_start import LastStart
from engine.service.permission import NO_TRUST, Permission, Trust
from engine.service.queueing import Queueing
from engine.service.rights import Rights
from engine.service.runs import RunStore, short
from engine.service.status import LiveStatus
from engine.service.sweeping import Sweeping
from engine.service.turns import Turns
from engine.service.worker_thread import WorkerThread


class Starting:
    """Starts and resumes runs, one at a time. Safe from any thread.

    Args:
        worker: Trains them.
        runs: Their folders.
        rights: Of whoever asks.
        permission: What a run may name.
        sweeping: Makes room before one more is made.
        turns: In which data are read: the worker then finds them in memory, and neither a chat nor a training step
            waits for a slow template.

    Attributes:
        queue: What waits.
        lock: Held while a run begins.
        last_owner: Whose run was active last.
    """

    def __init__(
        self,
        worker: WorkerThread,
        runs: RunStore,
        rights: Rights,
        permission: Permission,
        sweeping: Sweeping,
        turns: Turns,
    ) -> None:
        self._worker, self._runs, self._rights = worker, runs, rights
        self._permission, self._sweeping, self._limits = permission, sweeping, permission.limits
        self._turns = turns
        self.lock = threading.Lock()
        self._being_read: list[RunConfig] = []
        self._clicked: LastStart | None = None
        self._begun: LastStart | None = None
        self.last_owner = ""
        self.queue = Queueing(
            RunQueue(runs.root),
            self._live,
            rights,
            self._limits,
            self._begin_entry,
            self.lock,
            worker.closing,
            self._read_entry,
        )

    def active_owner(self) -> str:
        """Who started the active run; empty without one."""
        run, begun = self._worker.live.run, self._begun
        if begun is not None and begun.run == run:
            return begun.owner
        return self._runs.owner(run) if run else ""

    def configs(self) -> Iterator[dict[str, Any]]:
        """The configs of runs that have no folder yet: what is being started, and what waits."""
        for start in (self._clicked, self._begun):
            if start is not None and (self.lock.locked() or self._worker.live.run == start.run):
                yield start.config.to_dict()
        yield from (config.to_dict() for config in list(self._being_read))
        yield from (entry.config for entry in self.queue.file.entries())

    def read(self, config: RunConfig, visitor: str, trust: Trust = NO_TRUST) -> None:
        """Read a run's data on this thread, in a turn of a visitor's; an empty name is never refused one.

        Args:
            config: The run's.
            visitor: Whose turn it is.
            trust: With which the model's tokenizer is read, where its chat template writes the rows.

        Raises:
            WorkbenchError: They cannot be used, or the visitor has too many turns to wait for.
        """
        self._being_read.append(config)
        try:
            with self._turns.turn(visitor):
                dataset = config.load_data()
                if dataset.source is not None and dataset.source.chats:
                    deferred.write_rows(config, dataset, trust)
        finally:
            self._being_read.remove(config)

    def start(self, config: RunConfig, name: str, session: str, tags: Sequence[str] = ()) -> str:
        """See `Workbench.start`."""
        self._rights.to_start()
        config = config.checked()
        self._permission.check(config, session)
        self._permission.check_launch(config.of_training())
        owner = self._rights.who().id
        self.read(config, owner, _claimed(config))
        with self.lock:
            last = self._clicked
            if last is not None and last.is_repeated(config, owner) and self._goes_on(last.run):
                return last.run
            self._sweeping.now_and_then()
            self.check_room(owner)
            run = new_run_path(self._runs.root, config).name
            begun = self._clicked = LastStart(config, owner, run)
            entry = QueueEntry(run=run, config=config.to_dict(), name=short(name), owner=owner, tags=list(tags))
            if self._busy():
                self.queue.enter([self.estimated(entry, self._fit(config))])
            else:
                self._begin(entry, config)
            self._clicked = dataclasses.replace(begun, at=time.monotonic())  # a slow start makes clicks no older
            return run

    def resume(self, run: str, session: str, resuming: Resuming) -> None:
        """See `Workbench.resume`."""
        folder = self._runs.resumable_folder(run)
        if self._goes_on(run):
            return
        settings = TrainingSettings.from_dict(resuming.changed(folder.config.training))
        if resuming.training:
            self._limits.check(settings)
        self._permission.check_launch(settings)
        trust = self._permission.to_resume(folder, session)
        if _trains(folder, resuming):
            self.read(folder.config, self._rights.who().id, trust)
        if self._runs.is_elsewhere(folder):
            self.check_room(self._rights.who().id)
            folder = self._runs.brought_here(folder)
        with self.lock:
            if self._goes_on(run):
                return
            if not self._busy():
                self._resume(folder, trust, resuming)
                return
            refuse_trust(trust)
            config, facts = folder.config, folder.facts()
            entry = QueueEntry(
                run=run, config=config.to_dict(), name=facts.name, owner=facts.owner, tags=facts.tags,
                resuming=dict(resuming.training), accept_changed=resuming.accept_changed,
            )  # fmt: skip
            self.queue.enter([self.estimated(entry, config, done=facts.step)])

    def check_room(self, owner: str, more: int = 1) -> None:
        """See that so many more runs of a visitor may be kept; those that wait count.

        Raises:
            RunError: There are as many as are allowed.
        """
        queue, runs = self.queue, self._runs
        self._limits.check_runs(
            lambda: len(runs.names_of(owner)) + queue.count(owner) + more - 1,
            lambda: runs.kept_of_all() + queue.count() + more - 1,
        )

    def estimated(self, entry: QueueEntry, config: RunConfig, done: int = 0) -> QueueEntry:
        """An entry with an estimate of how long it takes, after `done` steps that are made already."""
        folders = (RunFolder(self._runs.root / run) for run in self._runs.newest())
        pace = seconds_per_step(folders, config)
        steps = min(entry.until or config.of_training().steps, config.of_training().steps) - done
        return dataclasses.replace(entry, seconds=None if pace is None else round(pace * max(0, steps), 1))

    def _live(self) -> LiveStatus:
        return self._worker.live

    def _busy(self) -> bool:
        return self._worker.live.run is not None or bool(self.queue.file.waiting())

    def _goes_on(self, run: str) -> bool:
        """Whether a run is active or in the queue."""
        return self._worker.live.run == run or self.queue.holds(run)

    def _fit(self, config: RunConfig) -> RunConfig:
        """See that a run that has to wait could begin on its data, as far as that can be known without its weights.

        Raises:
            WorkbenchError: It could not, or it needs trust, which is given only to what begins at once.
        """
        refuse_trust(_claimed(config))
        deferred.count(config)
        return config

    def _read_entry(self, entry: QueueEntry) -> None:
        """Read the data of a run of the queue, before it begins.

        Raises:
            WorkbenchError: They cannot be used.
        """
        path, config = self._runs.root / entry.run, entry.of_run()
        if RunFolder(path).is_run():
            folder = RunFolder.open(path)
            if not _trains(folder, entry.of_resuming()):
                return
            config = folder.config
        self._permission.check_paths(config)
        self.read(config, "")

    def _begin_entry(self, entry: QueueEntry) -> None:
        """Begin or go on with a run of the queue; nobody gives trust then.

        Raises:
            WorkbenchError: It cannot.
        """
        path = self._runs.root / entry.run
        if RunFolder(path).is_run():
            folder = RunFolder.open(path)
            if _trains(folder, entry.of_resuming()):
                resuming = entry.of_resuming()
                self._permission.check_launch(TrainingSettings.from_dict(resuming.changed(folder.config.training)))
                trust = self._permission.to_resume(folder, "")
                self._resume(folder, trust, resuming, entry.until)
            return
        if entry.tries > 1:
            shutil.rmtree(path, ignore_errors=True)  # what a kill left before there was a run
        config = entry.of_run()
        self._permission.check_paths(config)
        self._limits.check(config.of_training())
        self._permission.check_launch(config.of_training())
        self._begin(entry, config)

    def _begin(self, entry: QueueEntry, config: RunConfig) -> None:
        path: Path = self._runs.root / entry.run
        self._begun, self.last_owner = LastStart(config, entry.owner, entry.run), entry.owner
        self._worker.expect(entry.run)
        name = entry.name or free_name(config, self._runs.names_of(entry.owner))
        self._worker.call(lambda worker: worker.start(path, config, name, entry.owner, entry.tags, entry.until))

    def _resume(self, folder: RunFolder, trust: Trust, resuming: Resuming, until: int | None = None) -> None:
        self.last_owner = folder.facts().owner
        self._worker.expect(folder.id)
        self._worker.call(lambda worker: worker.resume(folder, trust, resuming, until))


def _claimed(config: RunConfig) -> Trust:
    """The trust in its model's authors that a new run's form claims, and was seen to have been given."""
    return {name: True for name in TRUST if getattr(config.of_training(), name)}


def _trains(folder: RunFolder, resuming: Resuming) -> bool:
    """Whether a run has steps left to make."""
    return folder.status() != "finished" or "steps" in resuming.training


def refuse_trust(trust: Trust) -> None:
    """See that a run which has to wait needs no trust.

    Raises:
        SettingError: It does.
    """
    for name in trust:
        text = f"A run with {name} cannot wait in the queue, since nobody may be there when it begins: start it when "
        raise SettingError("trust_cannot_wait", text + "nothing else trains.", field=name)
