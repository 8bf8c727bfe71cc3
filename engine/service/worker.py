"""The work of the worker thread, the only one that uses torch: it trains one run and answers queries between steps."""

import contextlib
import copy
import inspect
import logging
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.config.resuming import AS_IT_WAS, Resuming
from engine.config.run import RunConfig
from engine.config.training import TRUST, TrainingSettings
from engine.core.errors import ModelError, WorkbenchError
from engine.core.parts import InParts, Parts
from engine.exchange.archive import zip_adapter
from engine.inference.messages import ChatRequest, ChatUpdate
from engine.methods.base import Method
from engine.models.base import Base
from engine.preflight.planning import enough_for
from engine.runs.folder import RunFolder
from engine.service.answer import Answer
from engine.service.chat import chat
from engine.service.model_cache import ModelCache
from engine.service.out_of_memory import OF_MEMORY, told
from engine.service.permission import NO_TRUST, Trust
from engine.service.queries import QUERIES, Query
from engine.service.status import LiveStatus
from engine.service.visitor import own_name, own_names
from engine.training.launch import make_run, resume_run, start_run
from engine.training.launcher import LaunchedTrainer, Start
from engine.training.loop import Trainer
from engine.training.out_of_memory import give_back
from engine.training.progress import Progress
from engine.training.run_changes import other_weights

AnyTrainer = Trainer | LaunchedTrainer
"""Of a run that trains here, or in processes of its own."""


class Worker:
    """Everything that needs torch, for one thread.

    Args:
        notify: Called with a new `LiveStatus` whenever something changed.

    Attributes:
        models: Cache of bases and methods.
    """

    def __init__(self, notify: Callable[[LiveStatus], None]) -> None:
        self._notify = notify
        self._live = LiveStatus()
        self.models = ModelCache(self._base_loaded)
        self._trainer: AnyTrainer | None = None
        self._steps: Generator[Progress] = _no_steps()
        self._lock = ExitStack()
        self._clock = Clock()
        self._pausing = False
        self._until: int | None = None

    @property
    def training(self) -> bool:
        """Whether `advance` has something to do."""
        return self._trainer is not None and self._live.status in ("running", "waiting")

    def start(
        self,
        path: Path,
        config: RunConfig,
        name: str,
        owner: str = "",
        tags: Sequence[str] = (),
        until: int | None = None,
    ) -> None:
        """Start a new run; `advance` trains it, and stops and keeps it after step `until`, where that is given."""

        def make() -> AnyTrainer:
            if Start.of(config.of_training()) is not None:
                folder = make_run(path, config, self.models.base, name, owner, tags)
                return LaunchedTrainer(folder, AS_IT_WAS, trusted_by(config))
            trainer = _estimated(start_run(path, config, self.models.base, name, owner, tags))
            self._lock.enter_context(trainer.folder.owned())
            return trainer

        self._begin(make, path.name, config, until)

    def resume(self, folder: RunFolder, trust: Trust, resuming: Resuming = AS_IT_WAS, until: int | None = None) -> None:
        """Resume a run from its checkpoint; `until` as in `start`."""

        def make() -> AnyTrainer:
            if Start.of(TrainingSettings.from_dict(resuming.changed(folder.config.training))) is not None:
                return LaunchedTrainer(folder, resuming, trust)
            self._lock.enter_context(folder.owned())
            with self.models.trusting(trust):
                return _estimated(resume_run(folder, self.models.base, resuming))

        self._begin(make, folder.id, folder.config, until)

    def advance(self) -> None:
        """Make one training step. An exception ends the run, but not the worker."""
        said: tuple[str, dict[str, Any] | None]
        try:
            progress = next(self._steps)
        except StopIteration:
            said = self._notice()
        except WorkbenchError as error:
            said = str(error), error.to_dict()
        except Exception as error:
            logging.getLogger(__name__).exception("The run failed.")
            said = f"{type(error).__name__}: {error}", None
        else:
            self._say_notice()
            self._follow(progress)
            self._stop_where_due(progress)
            return
        self._end(*said)  # out here, where no error holds what the step had in its hands

    def _stop_where_due(self, progress: Progress) -> None:
        """Stop after the step until which the run was started, unless it is its last one."""
        due = self._until is not None and self._until <= progress.step < progress.steps
        if due and not progress.validating and not progress.waiting:
            self.stop()

    def _follow(self, progress: Progress) -> None:
        """Put progress into the status; after the step before which it should pause, pause."""
        if progress.waiting:
            self._clock = Clock()
            self._change(status="waiting", step=progress.step, steps_per_s=0.0, eta_s=None, warming=None)
            return
        status = self._live.status
        if status == "waiting" or (status == "paused" and (progress.validating or progress.scoring)):
            status = "running"
        if progress.validating or progress.scoring or progress.warming is not None:
            self._change(status=status, step=progress.step, warming=progress.warming, scoring=progress.scoring)
            return
        rate = self._clock.tick()
        left = (progress.steps - progress.step) / rate if rate else None
        self._change(status=status, step=progress.step, steps_per_s=round(rate, 2), eta_s=left, warming=None)
        if self._pausing:
            self._pausing = False
            self.pause()

    def pause(self) -> None:
        """Pause between two steps."""
        if self._trainer is not None and self._live.status == "running":
            self._trainer.pause()
            self._clock = Clock()
            self._change(status="paused", eta_s=None, steps_per_s=0.0)

    def go_on(self) -> None:
        """Continue after a pause."""
        if self._trainer is not None and self._live.status == "paused":
            self._trainer.go_on()
            self._change(status="running")

    def one_step(self) -> None:
        """Make one step, then pause; where it is validated, or the disk is full, as soon as that is over.

        A run in processes of its own makes the steps that it comes to until it hears of the pause.
        """
        if self._trainer is None:
            return
        self._pausing = True
        if isinstance(self._trainer, LaunchedTrainer):
            self.go_on()
            return
        self.advance()
        while self._live.warming is not None:
            self.advance()

    def keep(self) -> None:
        """Keep the active run from another thread, see `Trainer.keep`."""
        if (trainer := self._trainer) is not None:
            trainer.keep()

    def stop(self) -> None:
        """Stop between two steps and save its state."""
        if self._trainer is None:
            return
        self._change(status="stopping")
        if inspect.getgeneratorstate(self._steps) == inspect.GEN_CREATED:
            self.advance()  # `close` on a generator that has not started executes none of its code
        try:
            self._steps.close()
        except WorkbenchError as error:
            self._end(str(error), error.to_dict())
        except Exception as error:  # whatever it is, nothing is stopping any more
            with contextlib.suppress(OSError, WorkbenchError):
                self._trainer.failed(error)
            self._end(f"The work could not be kept: {error}")
        else:
            self._end(*self._notice())

    def ask(
        self,
        query: str,
        folder: RunFolder,
        step: int | None,
        arguments: dict[str, Any],
        trust: Trust = NO_TRUST,
        *,
        accept_changed: bool = False,
    ) -> Parts[Answer]:
        """Answer a query of `QUERIES` about a run as it was at a snapshot; None for its newest state.

        Where `accept_changed`, its base and its test rows may be others than those that it began with. The run in
        training answers as it is now, even if it makes steps between two parts.

        Raises:
            KeyError: There is no such query.
            WorkbenchError: See the query's function.
        """
        row = QUERIES[query]
        step = step if row.past else None
        with self.models.trusting(trust, other_weights=accept_changed):
            base, method = self._queried(row, folder, step)
        queried_step = self._live.step if step is None and self._is_live(folder) else step
        if step is None and self._is_live(folder) and isinstance(row.function, InParts):
            method = copy.deepcopy(method)
        return Answer(
            step=queried_step, report=(yield from row.answer(base, method, folder, arguments, accept_changed))
        )

    def _queried(self, row: Query, folder: RunFolder, step: int | None) -> tuple[Base, Method]:
        try:
            return self._method(folder, step, as_trained="training_state" in row.needs)
        except ModelError as error:
            if error.key != "other_base" or not row.scores:
                raise
            raise other_weights(folder.id, str(error.values["name"])) from None

    def chat(
        self, request: ChatRequest, folders: list[RunFolder | None], stopped: Callable[[], bool], trust: Trust
    ) -> Generator[ChatUpdate]:
        """Stream the answers of all sides; see `engine.service.chat`.

        Everything is loaded here, so that between two tokens anything else can be done. The run in training answers as
        it is now, even if it makes steps in the meantime.
        """

        def method_of(run: RunFolder, step: int | None) -> Method:
            method = self._method(run, step)[1]
            return copy.deepcopy(method) if step is None and self._is_live(run) else method

        with self.models.trusting(trust):
            return chat(request, folders, self.models.base, method_of, stopped)

    def export(self, folder: RunFolder, form: str, target: Path, trust: Trust) -> Path:
        """A zip of a run's adapter."""
        with self.models.trusting(trust):
            base, method = self._method(folder, None)
        config = folder.config
        config = replace(config, dataset=own_name(config.dataset), data=own_names(config.data))
        return zip_adapter(method, base, form, config.to_yaml(), target)

    def _method(self, folder: RunFolder, step: int | None, *, as_trained: bool = False) -> tuple[Base, Method]:
        """A run's method as it was at a step; None for the newest state, for the active run the one in training."""
        if step is None and self._is_live(folder) and isinstance(self._trainer, Trainer):
            return self._trainer.base, self._trainer.method
        return self.models.as_trained(folder) if as_trained else self.models.tuned(folder, step)

    def _is_live(self, folder: RunFolder) -> bool:
        """Whether a run trains in this process, so that its method is here."""
        return isinstance(self._trainer, Trainer) and self._trainer.folder.path == folder.path

    def _begin(self, make: Callable[[], AnyTrainer], run: str, config: RunConfig, until: int | None) -> None:
        self._change(
            status="loading", run=run, message="", problem=None, step=0, steps=config.of_training().steps, eta_s=None
        )
        try:
            trainer = make()
        except Exception:
            self._end()
            raise
        self._trainer, self._steps, self._clock, self._until = trainer, trainer.in_parts(), Clock(), until
        self._change(status="running", name=trainer.folder.facts().name, step=trainer.position.step)

    def _notice(self) -> tuple[str, dict[str, Any] | None]:
        """What is still to be said of the active run, as `LiveStatus` has it."""
        notice = self._trainer.notice if self._trainer is not None else None
        return (str(notice), notice.to_dict()) if notice is not None else ("", None)

    def _say_notice(self) -> None:
        message, problem = self._notice()
        if message != self._live.message:
            self._change(message=message, problem=problem)

    def _end(self, message: str = "", problem: dict[str, Any] | None = None) -> None:
        self._lock.close()
        self._trainer, self._steps, self._pausing = None, _no_steps(), False
        give_back()  # a trainer and its parts know each other, and would wait for their turn
        live = self._live
        self._live = LiveStatus(
            status=live.status, turn=live.turn, model=live.model, precision=live.precision, size_mb=live.size_mb
        )
        self._change(status="idle", message=message, problem=problem)

    @staticmethod
    def told(error: BaseException) -> BaseException:
        """An error of a call as it is told: one of memory is a sentence, and holds nothing of what the call had."""
        return told(error) or error

    @staticmethod
    def give_back(error: BaseException) -> None:
        """Free what a call has left that failed for want of memory; others leave little."""
        if isinstance(error, WorkbenchError) and error.key in OF_MEMORY:
            give_back()

    def _base_loaded(self, model: str, precision: str, base: Base) -> None:
        self._change(model=model, precision=precision, size_mb=round(base.model.get_memory_footprint() / 1e6, 1))

    def _change(self, **values: Any) -> None:  # noqa: ANN401 - any field of LiveStatus
        changed = replace(self._live, **values)
        turned = changed.status != self._live.status
        self._live = replace(changed, turn=changed.turn + turned)
        self._notify(self._live)


def trusted_by(config: RunConfig) -> Trust:
    """The trust in its model's authors that a run was started with."""
    return {name: True for name in TRUST if getattr(config.of_training(), name)}


class Clock:
    """Steps per second of wall time, over the last two dozen steps."""

    def __init__(self) -> None:
        self._times: list[float] = []

    def tick(self) -> float:
        """Record a step; returns the rate, 0 while unknown."""
        self._times = [*self._times[-24:], time.monotonic()]
        span = self._times[-1] - self._times[0]
        return (len(self._times) - 1) / span if span > 0 else 0.0


def _no_steps() -> Generator[Progress]:
    yield from ()


def _estimated(trainer: Trainer) -> Trainer:
    """The trainer, which can ask the memory estimate what would have been enough."""
    trainer.enough = enough_for(trainer.folder.config, trainer.base.model.get_memory_footprint())
    return trainer
