"""One search over methods and their settings: which trial trains next, which goes on, and what came of it all.

A search is a folder:

plan.json    what it shall do
study.db     Optuna's memory of all trials
state.json   which trial trains, and how far; the losses at each rung

Its runs are trained by whoever calls `next_run` and trains what that returns, one after another: the queue of a
workbench, or the command line. Nothing is lost when that process dies: `next_run` looks at what the run's folder says.
"""

import math
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from engine.config.run import RunConfig
from engine.core.atomic import write_json
from engine.core.errors import RunError
from engine.core.writing import NotWrittenError, writing
from engine.runs.files import read_json
from engine.runs.folder import RunFolder
from engine.runs.forgetting import forgetting
from engine.runs.log import events_of
from engine.runs.queue import QueueEntry
from engine.runs.scan import new_run_path
from engine.tuning.plan import KEPT, SearchPlan
from engine.tuning.study import Outcome, Point, Study

STATES = ("runs", "stopped", "finished")


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a search is.

    Attributes:
        state: "runs", "stopped" by hand, or "finished".
        trial: Number of the trial that trains; None between two.
        run: Its run.
        rung: Index of the rung that it trains up to.
        seconds: Training time of all runs that have ended, in seconds.
        at_rungs: By the rung's step, (validation loss, trained parameters) of every trial that reached it.
    """

    state: str = "runs"
    trial: int | None = None
    run: str = ""
    rung: int = 0
    seconds: float = 0.0
    at_rungs: dict[str, list[list[float]]] = field(default_factory=dict)


class Search:
    """A search in its folder.

    Args:
        folder: The search's.
        runs: Folder of the run folders.
        usual_rate: The learning rate that an empty setting of a run stands for.
    """

    def __init__(self, folder: Path, runs: Path, usual_rate: Callable[[RunConfig], float]) -> None:
        self.folder, self._runs, self._usual_rate = folder, runs, usual_rate
        self.plan = SearchPlan.from_dict(_read(folder / "plan.json"))
        self._study: Study | None = None

    @classmethod
    def create(cls, folder: Path, plan: SearchPlan, runs: Path, usual_rate: Callable[[RunConfig], float]) -> Self:
        """Begin a search.

        Raises:
            WorkbenchError: The plan is wrong, its model or data cannot be used, one of its methods cannot read them, or
                its files cannot be written.
        """
        plan = plan.checked()
        configs = [plan.of_method(method) for method in plan.methods]
        usual_rate(configs[0])  # whether there is such a model
        dataset = configs[0].load_data()
        for config in configs[1:]:
            dataset.check_seen(sees_pictures=bool(config.vision))
        with writing(folder):
            folder.mkdir(parents=True)
            try:
                write_json(folder / "plan.json", plan.to_dict(), durable=True)
            except NotWrittenError:
                shutil.rmtree(folder, ignore_errors=True)  # without a plan it is no search, and would have its name
                raise
        return cls(folder, runs, usual_rate)

    @property
    def id(self) -> str:
        """Its name, which is also the tag of its runs."""
        return self.folder.name

    @property
    def study(self) -> Study:
        """Optuna's part, opened when it is first needed: that takes a second.

        Raises:
            RunError: Its file is damaged.
            NotWrittenError: It is new, and its file cannot be made.
        """
        if self._study is None:
            file = self.folder / "study.db"
            try:
                with writing(file):
                    self._study = Study(file, self.plan)
            except NotWrittenError:
                raise
            except Exception as error:  # SQLAlchemy's, Alembic's and Optuna's have no other ancestor
                raise _damaged(file, type(error).__name__) from error
        return self._study

    @property
    def progress(self) -> Progress:
        """How far it is."""
        try:
            values = _read(self.folder / "state.json")
        except RunError:
            return Progress()
        known = {name: values[name] for name in Progress.__slots__ if name in values}
        return Progress(**known)

    def stamp(self) -> tuple[int, ...]:
        """Changes whenever something of the search does."""
        files = [self.folder / name for name in ("state.json", "study.db")]
        return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in files)

    def config(self, number: int) -> RunConfig:
        """The run of a trial.

        Raises:
            RunError: There is no such trial.
        """
        return RunConfig.from_dict(_read(self.folder / f"trial-{number}.json"))

    def points(self) -> list[Point]:
        """All trials."""
        return self.study.points()

    def stop(self) -> None:
        """Begin no more trials; the one that trains is judged as it is when the search goes on."""
        self._keep(replace(self.progress, state="stopped"))

    def go_on(self) -> None:
        """Go on after a stop."""
        if self.progress.state == "stopped":
            self._keep(replace(self.progress, state="runs"))

    def next_run(self, *, waits: Callable[[str], bool]) -> QueueEntry | None:
        """What is to be trained next: the present trial up to its next rung, or a new one; None for nothing.

        Args:
            waits: Whether a run waits or trains already; then there is nothing to add.

        Raises:
            RunError: A file of the search is damaged.
            NotWrittenError: One cannot be written: the search goes on from where it was.
        """
        with writing(self.folder):
            return self._next_run(waits)

    def _next_run(self, waits: Callable[[str], bool]) -> QueueEntry | None:
        progress = self.progress
        if progress.state != "runs" or (progress.run and waits(progress.run)):
            return None
        if progress.trial is not None:
            progress = self._judged(progress)
            if progress.state != "runs":
                return None
        if progress.trial is None:
            progress = self._asked(progress)
            if progress.state != "runs":
                return None
        return self._entry(progress)

    def _asked(self, progress: Progress) -> Progress:
        """With a new trial, or finished where the budget is used up."""
        minutes = self.plan.minutes
        self.study.fail_unfinished()
        if self.study.asked >= self.plan.trials or (minutes is not None and progress.seconds >= 60 * minutes):
            return self._keep(replace(progress, state="finished"))
        number, config = self.study.ask(self._usual_rate)
        run = new_run_path(self._runs, config).name
        self.study.begun(number, run)
        write_json(self.folder / f"trial-{number}.json", config.to_dict(), durable=True)
        return self._keep(replace(progress, trial=number, run=run, rung=0))

    def _judged(self, progress: Progress) -> Progress:
        """After the present trial's run has ended: on to its next rung, or done with it."""
        assert progress.trial is not None
        free = replace(progress, trial=None, run="", rung=0)
        folder = RunFolder(self._runs / progress.run)
        try:
            facts, status = folder.facts(), folder.status()
        except RunError:  # it could not begin
            self.study.fail(progress.trial)
            return self._keep(free)
        until = self.plan.rungs[progress.rung]
        if status == "stopped" and facts.step < until:  # by hand: so is the search
            return self._keep(replace(progress, state="stopped"))
        if status == "interrupted":
            return progress  # goes on where its checkpoint is
        loss = loss_at(folder, facts.step)
        seconds = progress.seconds + (facts.wall_s or 0.0)
        if status == "failed" or loss is None or not math.isfinite(loss):
            self.study.fail(progress.trial)
            return self._keep(replace(free, seconds=seconds))
        at = {**progress.at_rungs, str(until): [*progress.at_rungs.get(str(until), []), [loss, facts.trainable]]}
        outcome = Outcome(
            loss=loss,
            trainable=facts.trainable,
            step=facts.step,
            pruned=status != "finished",
            forgetting=forgetting(folder.events_path, facts.step),
            seconds=facts.wall_s,
        )
        if status == "finished":
            self.study.tell(progress.trial, outcome)
            return self._keep(replace(free, at_rungs=at, seconds=seconds))
        if goes_on(loss, facts.trainable, at[str(until)]):
            return self._keep(replace(progress, rung=progress.rung + 1, at_rungs=at))
        self.study.tell(progress.trial, outcome)
        return self._keep(replace(free, at_rungs=at, seconds=seconds))

    def _entry(self, progress: Progress) -> QueueEntry:
        config = _read(self.folder / f"trial-{progress.trial}.json")
        until = self.plan.rungs[progress.rung]
        return QueueEntry(
            run=progress.run,
            config=config,
            name=f"{self.id} · {progress.trial}",
            owner=self.plan.owner,
            tags=[self.id],
            until=None if until >= self.plan.steps else until,
        )

    def _keep(self, progress: Progress) -> Progress:
        write_json(self.folder / "state.json", asdict(progress), durable=True)
        return progress


def goes_on(loss: float, trainable: float, at_rung: list[list[float]]) -> bool:
    """Whether a trial is among the best third at its rung, of those that train as many parameters or fewer.

    A large trial has to be better than small ones, a small one need not be better than large ones: it may still be
    worth its size.
    """
    rivals = sorted(other for other, size in at_rung if size <= trainable)
    if len(rivals) < KEPT:
        return True
    return loss <= rivals[math.ceil(len(rivals) / KEPT) - 1]


def loss_at(folder: RunFolder, step: int) -> float | None:
    """Lowest validation loss of a run up to a step; None where there is none."""
    losses = [event["validation_loss"] for event in events_of(folder.events_path, "eval") if 0 < event["step"] <= step]
    known = [loss for loss in losses if isinstance(loss, int | float)]
    return min(known) if known else None


def _read(path: Path) -> dict[str, Any]:
    """Contents of a file of a search.

    Raises:
        RunError: It cannot be read, or is no mapping.
    """
    try:
        values = read_json(path)
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(values, dict):
        raise _damaged(path, "it is no mapping")
    return values


def _damaged(path: Path, reason: str) -> RunError:
    text = f"The search {path.parent.name!r} cannot be read: {path.name}: {reason}."
    return RunError("search_damaged", text, name=path.parent.name, file=path.name, reason=reason)
