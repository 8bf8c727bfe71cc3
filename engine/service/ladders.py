"""Runs learning-rate ladders in the queue: the better half of their runs goes on at each rung. Needs no torch."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from engine.config.run import RunConfig
from engine.config.training import TRUST
from engine.core.errors import SettingError
from engine.core.writing import NotWrittenError
from engine.methods import method_spec
from engine.runs.queue import QueueEntry
from engine.runs.scan import new_run_path
from engine.service import deferred
from engine.service.permission import Permission
from engine.service.rights import Rights
from engine.service.starting import Starting, refuse_trust
from engine.service.worker_thread import WorkerThread
from engine.tuning.ladder import USUAL_STEPS, Ladder, after_rung, rates_around, rungs_of
from engine.tuning.store import Ladders, LadderView


class LadderQueue:
    """The ladders of one workbench. Safe from any thread.

    Args:
        starting: Begins runs.
        worker: Trains them.
        rights: Of whoever asks.
        permission: What a run may name.
    """

    def __init__(self, starting: Starting, worker: WorkerThread, rights: Rights, permission: Permission) -> None:
        self._starting, self._worker, self._rights, self._permission = starting, worker, rights, permission
        self._queue = starting.queue
        self.file = Ladders(self._queue.file.root)
        self._queue.planners.append((self._pending, self._advance))

    def start(self, config: RunConfig, *, steps: int | None = None, session: str = "", first: bool = False) -> str:
        """Put the runs of a ladder into the queue.

        Args:
            config: The run whose rate is looked for; its own rate plays no part.
            steps: Of a rate that goes to the end; None for those of the run, at most `USUAL_STEPS`.
            session: Of the page that asks.
            first: Whether it goes before all that wait.

        Returns:
            Its tag.

        Raises:
            WorkbenchError: A setting, the model or the data cannot be used, there is no room for so many runs, or its
                file cannot be written.
        """
        self._rights.to_start()
        config = config.checked()
        _must_have_rate(config)
        self._permission.check(config, session)
        self._permission.check_launch(config.of_training())
        refuse_trust({name: True for name in TRUST if getattr(config.of_training(), name)})
        rungs = rungs_of(steps if steps is not None else min(config.of_training().steps, USUAL_STEPS))
        owner = self._rights.who().id
        self._starting.read(config, owner)  # its errors shall come now
        usual = deferred.usual_rate(config)
        rates = rates_around(usual)
        ladder = Ladder(
            tag=f"ladder-{time.strftime('%m%d-%H%M')}-{uuid.uuid4().hex[:4]}",
            config=config.to_dict(),
            usual=usual,
            rates=rates,
            runs=[new_run_path(self.file.root, config).name for _ in rates],
            rungs=rungs,
            owner=owner,
            created=time.time(),
        )
        with self._starting.lock:
            self._starting.check_room(owner, len(rates))
            try:
                self._climb(ladder, first=first)
            except NotWrittenError:
                self._queue.file.remove(*ladder.runs)  # without its file, nobody would know what they are for
                raise
        self._queue.wake()
        return ladder.tag

    def view(self, tag: str = "") -> LadderView | None:
        """A ladder with its curves, by default the asker's newest one; None where they may see none.

        Raises:
            RunError: There is none of that tag.
        """
        visitor = self._rights.who()
        ladders = [self.file.find(tag)] if tag else self.file.all()
        ladders = [one for one in ladders if (visitor.sees(one.owner) if tag else one.owner == visitor.id)]
        seen = next(iter(ladders), None)
        return None if seen is None else self.file.view(seen, self._worker.live.run)

    def stop(self, tag: str) -> None:
        """End a ladder: none of its runs goes on; what they have learnt is kept.

        Raises:
            WorkbenchError: There is none, or the asker may not change it.
        """
        ladder = self.file.find(tag)
        self._rights.to_change(tag, ladder.owner)
        if ladder.state != "running":
            return
        with self._starting.lock:
            self.file.keep(replace(self.file.find(tag), state="stopped"))
            self._queue.file.remove(*ladder.runs)
        if self._worker.live.run in ladder.runs:
            self._worker.call(lambda worker: worker.stop())

    def configs(self) -> Iterator[dict[str, Any]]:
        """The configs of the ladders that go on, which may have no run yet."""
        return (ladder.config for ladder in self.file.all() if ladder.state == "running")

    def _pending(self) -> bool:
        return any(ladder.state == "running" for ladder in self.file.all())

    def _advance(self) -> None:
        """Let all ladders go on none of whose runs is in the queue."""
        for ladder in self.file.all():
            if ladder.state == "running" and not any(self._queue.holds(run) for run in ladder.runs):
                self._climb(ladder)

    def _climb(self, ladder: Ladder, *, first: bool = False) -> None:
        """Queue the next rung of a ladder, or end it.

        The runs are queued before the ladder is written: after a crash in between, it finds that they have got there.
        """
        while ladder.state == "running":
            reached = ladder.rungs[ladder.rung - 1] if ladder.rung else 0
            ladder = after_rung(ladder, self.file.losses_at(ladder, reached))
            entries = self._entries(ladder) if ladder.state == "running" else []
            if entries:
                self._queue.file.add(entries, first=first or ladder.rung > 1)
            self.file.keep(ladder)
            if entries:
                return

    def _entries(self, ladder: Ladder) -> list[QueueEntry]:
        """The runs of the newest rung that have not reached it yet."""
        until = ladder.rungs[ladder.rung - 1]
        entries = []
        for place in ladder.alive:
            done = self.file.step(ladder.runs[place])
            if done >= until:
                continue
            config = ladder.of_rate(place)
            entry = QueueEntry(
                run=ladder.runs[place],
                config=config.to_dict(),
                name=f"{method_spec(config.method).title} · {ladder.rates[place]:g}",
                owner=ladder.owner,
                tags=[ladder.tag],
                until=None if until == ladder.steps else until,
            )
            entries.append(self._starting.estimated(entry, config, done))
        return entries


def _must_have_rate(config: RunConfig) -> None:
    """Refuse a method that only finds words: at any rate its runs are the same."""
    spec = method_spec(config.method)
    if spec.finds_words:
        text = f"{spec.title} trains no weights, so it has no learning rate: choose another method."
        raise SettingError("no_rate", text, field="method", title=spec.title)
