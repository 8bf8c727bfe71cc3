"""The training loop: a generator that hands back control after every optimiser step and part of a validation.

Between two steps the caller may pause, chat, take a snapshot or stop. The loop knows nothing of particular methods: it
optimises `method.parameters()`. Random numbers of a step come from the run's own RNG state, so that what happens
between steps cannot change the result.
"""

import math
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace

from torch import Tensor

from engine.core.allocator import freed_memory_kept
from engine.core.errors import RunError
from engine.core.parts import Parts, told
from engine.core.writing import is_full
from engine.data.tokenise import Example
from engine.methods.base import Method
from engine.models.base import Base
from engine.runs.folder import RunFolder
from engine.runs.score import RunScore
from engine.telemetry.events import LossEvent
from engine.telemetry.schedule import is_frame_step
from engine.training.checkpoint import Position, TrainingState, load_checkpoint
from engine.training.disk_full import WRITE_ERRORS, not_kept
from engine.training.divergence import NOT_FINITE, diverged, not_finite
from engine.training.early_stopping import BestValidation
from engine.training.gradient_worker import GradientWorker
from engine.training.gradients import Step
from engine.training.out_of_memory import Enough, give_back, is_out_of_memory, out_of_memory
from engine.training.progress import Progress
from engine.training.recorder import Recorder
from engine.training.room import Room
from engine.training.telemetry_time import Stopwatch
from engine.training.update_norms import copied_groups
from engine.training.validation import Validation
from engine.training.warm_up import warm_up

KEPT_WITHIN_S = 5.0
"""Seconds that `Trainer.keep` waits for the end of a change or a write; only a disk that hangs takes longer."""


class Trainer:
    """One run in training. Iterate `run()`; however that ends, the run folder says how. Built by `build_trainer`.

    Args:
        worker: Has the training rows, and makes their gradients.
        base: The frozen model.
        state: All that a step changes.
        validation: Measures the method between steps.
        recorder: Writes the run folder.
        score: Scores the state that the run folder keeps, at its end.

    Attributes:
        enough: Tells whether this machine has memory enough for a run with other settings; None where nobody knows.
    """

    def __init__(
        self,
        worker: GradientWorker,
        base: Base,
        state: TrainingState,
        validation: Validation,
        recorder: Recorder,
        score: Callable[[], Parts[RunScore | None]],
    ) -> None:
        self.settings, self.base, self.examples = worker.settings, base, worker.examples
        self.state, self.validation, self.recorder = state, validation, recorder
        self._worker, self._batches, self._score = worker, worker.batches, score
        self._meter = worker.gradients.meter
        count = worker.gradients.processes.count
        self._remarks = [f"{count} processes train this run."] if count > 1 else []
        self._room = Room(recorder, self._waits)
        self.enough: Enough | None = None
        self._settled = threading.RLock()  # held while the state changes, and while it is written

    @property
    def folder(self) -> RunFolder:
        """The run folder."""
        return self.recorder.folder

    @property
    def method(self) -> Method:
        """The method that trains."""
        return self.state.method

    @property
    def notice(self) -> RunError | None:
        """What is to be said of the run while it goes on: that it has diverged; None otherwise."""
        stability = self.position.stability
        return None if stability.diverged is None else diverged(self.folder.id, stability, *self._rates)

    @property
    def _rates(self) -> tuple[float, float]:
        """The run's learning rate, and the one that suits its method."""
        usual = self.method.spec.usual_rate(self.method.settings, self.base.shape.d)
        return float(self.state.scheduler.base_lrs[0]), usual

    @property
    def _cut_off(self) -> str:
        """The status of a run that is given up now: "finished" where only its score is missing."""
        left = self.position.step < self.settings.steps or self.position.validation_due
        return "stopped" if left else "finished"

    @property
    def position(self) -> Position:
        """Where the run stands."""
        return self.state.position

    def restore(self) -> None:
        """Go back to the newest checkpoint that is whole; the caller cuts back the event log.

        Raises:
            RunError: None is.
        """
        if problem := load_checkpoint(self.folder, self.state):
            step = self.position.step
            self.remark(f"The newest checkpoint is damaged ({problem}): training goes on from step {step}.")

    def remark(self, text: str) -> None:
        """Say something when training goes on."""
        self._remarks.append(text)

    def accept(self, changed: Sequence[RunError]) -> None:
        """Go on with data or a base that are not those of the run's beginning; older validations count no more."""
        step = self.position.step
        self._remarks += [f"Accepted at step {step}, from which training goes on: {error}" for error in changed]
        self._move(best=BestValidation())

    def run(self) -> Generator[Progress]:
        """As `in_parts`, but a step is one with its validation, and the last one with the score."""
        with closing(self.in_parts()) as parts:
            for progress in parts:
                if not (progress.validating or progress.scoring):
                    yield progress

    def in_parts(self) -> Generator[Progress]:
        """Train to the end, yielding after every step, and often before the first one where the method warms up.

        Also yields between the batches of a validation and of the score, and twice a second while it waits for room on
        a full disk. Closing the generator stops the run and keeps its work; a validation so cut off is made on resume.
        """
        self.recorder.open()
        try:
            with freed_memory_kept():
                ran_out = yield from self._trained()
            if ran_out:
                self.state.optimiser.zero_grad(set_to_none=True)
                give_back()
                raise out_of_memory(self.folder.id, self.settings, self.position.step + 1, self.enough)
        except GeneratorExit:
            self._stop()
            raise
        except Exception as error:
            self.failed(error)
            raise
        finally:
            self.recorder.close()

    def _trained(self) -> Generator[Progress, None, bool]:
        """Train to the end; whether memory ran out on the way. Then no traceback holds the tensors of the step."""
        try:
            if not self.position.warm:
                yield from self._warm_up()
            yield from self._begin()
            yield from self._steps()
            yield from self._finish()
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return True
        return False

    def pause(self) -> None:
        """Record that the run pauses, and keep its work in case the process ends meanwhile."""
        try:
            if self.position.warm:
                self._checkpoint()
            self.recorder.status(self.position.step, "paused")
        except WRITE_ERRORS as error:
            self.recorder.warning(self.position.step, "The checkpoint of the pause", error)

    def go_on(self) -> None:
        """Record that the run goes on."""
        try:
            self.recorder.status(self.position.step, "running")
        except WRITE_ERRORS as error:
            self.recorder.warning(self.position.step, "The end of the pause", error)

    def keep(self) -> bool:
        """Keep the work from another thread, where this one is at something that takes too long; the process ends then.

        Between two changes the state is that of the newest step, also in the middle of a forward or backward pass.

        Returns:
            Whether it was kept.
        """
        if not self._settled.acquire(timeout=KEPT_WITHIN_S):
            return False
        try:
            if self.position.warm:
                self._checkpoint()
            self._say_cut()
            self.recorder.status(self.position.step, self._cut_off)
        except WRITE_ERRORS:
            return False
        finally:
            self._settled.release()
        return True

    def _waits(self) -> Progress:
        return Progress(self.position.step, self.settings.steps, wall_s=self.position.wall_s, waiting=True)

    def _checkpoint(self) -> None:
        with self._settled:
            self.recorder.checkpoint(self.state)

    def _say_cut(self) -> None:
        if self.position.validation_due:
            step = self.position.step
            self.recorder.remark(step, f"The validation of step {step} was cut off: it is made when the run goes on.")

    def _warm_up(self) -> Generator[Progress]:
        """What the method does before its first step. Stopped here, it is undone, and begins anew on resumption."""
        with closing(warm_up(self.method, self.base, self.settings.seed)) as shares:
            for share in shares:
                yield Progress(0, self.settings.steps, warming=share)
        self._move(warm=True)

    def _begin(self) -> Generator[Progress]:
        step = self.position.step
        yield from self._room.write(lambda: self.recorder.started(step, self.settings.steps))
        for remark in self._remarks:
            self.recorder.remark(step, remark)
        if self.notice is not None:
            yield from self._say_diverged()
        if step == 0 or self.position.validation_due:
            yield from self._validate()
        if step == 0:
            self._frame(step)
            yield from self._room.write(self._checkpoint)

    def _steps(self) -> Generator[Progress]:
        settings = self.settings
        for rows in self._batches(self.position.step):
            if self.position.step >= settings.steps or self.position.best.patience_exhausted(settings.patience):
                return
            progress = self._step(rows)
            yield from self._after_step()
            yield progress

    def _step(self, rows: Sequence[Example]) -> Progress:
        """One optimiser step: gradients, update, and the events that belong to it.

        Raises:
            DataError: A picture cannot be read any more.
            RunError: Loss or gradient are not finite, or another process of the run failed.
        """
        began = time.perf_counter()
        given = self._worker.lead(rows, Step(self.position.step, self.state.rng))
        loss = given.loss
        if not (math.isfinite(loss) and math.isfinite(given.grad_norm)):
            raise not_finite(self.folder.id, self.position.step + 1, loss, *self._rates, precision=self.base.precision)
        learning_rate = float(self.state.scheduler.get_last_lr()[0])
        step = self.position.step + 1
        with self._settled:
            self.state.rng = given.rng
            before = self._update(step)
            seconds = time.perf_counter() - began
            stability = self.position.stability.after(step, loss, self.settings.steps)
            wall_s = self.position.wall_s + seconds
            self._move(step=step, wall_s=wall_s, stability=stability)
            self._move(validation_due=self._validates(step))
        speed = given.tokens / seconds
        self.recorder.publish(
            LossEvent(
                step=step,
                loss=round(loss, 5),
                lr=learning_rate,
                grad_norm=round(given.grad_norm, 5),
                tokens_per_s=round(speed, 1),
                wall_s=round(self.position.wall_s, 3),
            )
        )
        if before is not None:
            self._frame(step, before)
        self.state.optimiser.zero_grad()
        return Progress(step, self.settings.steps, loss, speed, self.position.wall_s)

    def _validates(self, step: int) -> bool:
        steps = self.settings.steps
        if step == steps or step % self.settings.steps_between_evals:
            return step == steps
        wanted, telemetry = self.settings.eval_every is not None, self.position.telemetry
        return wanted or telemetry.affords(step, steps, self.position.wall_s)

    def _frame(self, step: int, before: dict[str, list[Tensor]] | None = None) -> None:
        began = time.perf_counter()
        self.recorder.frame(step, before)
        self._move(telemetry=self.position.telemetry.with_frame(time.perf_counter() - began))

    def _update(self, step: int) -> dict[str, list[Tensor]] | None:
        """Optimiser and schedule; returns the parameters before the update where the step gets a frame."""
        framed = is_frame_step(step) or step == self.settings.steps
        with self._meter.rest(first=not self.state.optimiser.state):
            before = copied_groups(self.method) if framed else None
            self.state.optimiser.step()
            self.method.after_update(step, self.settings.steps)
        self.state.scheduler.step()
        return before

    def _after_step(self) -> Generator[Progress]:
        step = self.position.step
        if self.position.validation_due:
            yield from self._validate()
        if self.position.stability.diverged == step:
            yield from self._say_diverged()
        if step % self.settings.save_every == 0:
            yield from self._room.keep("The checkpoint", self._checkpoint)

    def _say_diverged(self) -> Generator[Progress]:
        if (notice := self.notice) is not None:
            yield from self._room.keep("The notice", lambda: self.recorder.diverged(self.position.step, notice))

    def _validate(self) -> Generator[Progress]:
        """Validate and record the results, which count when all are there. An error here ends no run."""
        step = self.position.step
        self._move(validation_due=True)
        watch, doing = Stopwatch(), Progress(step, self.settings.steps, validating=True)
        found = yield from told(watch.of(self.validation.found(step)), doing)
        for event in found.events:
            self.recorder.publish(event)
        if found.problem is not None:
            self.recorder.warning(step, "The validation", found.problem)
        best, stability = self.position.best, self.position.stability
        if found.result is not None:
            best = best.after(step, found.result.loss, self.settings.min_delta)
            stability = stability.begun(found.result.loss) if step == 0 else stability
        telemetry = self.position.telemetry.with_validation(step, watch.seconds)
        self._move(best=best, stability=stability, validation_due=False, telemetry=telemetry)
        if self.position.best.improved(step):
            yield from self._room.keep("The best state", lambda: self.recorder.best(step))

    def _finish(self) -> Generator[Progress]:
        step = self.position.step
        if step < self.settings.steps and not is_frame_step(step):
            self._frame(step)
        yield from self._room.write(self._checkpoint)
        score = yield from self._scored()
        yield from self._room.write(lambda: self._end("finished", score))

    def _scored(self) -> Generator[Progress, None, RunScore | None]:
        """The score of the state that is kept; None where there is none. An error here ends no run."""
        step = self.position.step
        try:
            return (yield from told(self._score(), Progress(step, self.settings.steps, scoring=True)))
        except Exception as error:
            self.recorder.warning(step, "The score", error)
            return None

    def _stop(self) -> None:
        """Keep the work of a run that is stopped.

        Raises:
            RunError: The disk is full: kept is what the newest checkpoint holds.
        """
        try:
            self._say_cut()
            self._end(self._cut_off)
        except WRITE_ERRORS as error:
            if not is_full(error):
                raise
            told = not_kept(self.folder.id, self.position.step, self.folder.facts().step)
            self.failed(told)
            raise told from error

    def failed(self, error: Exception) -> None:
        """Record what ended the run, where the disk has room for that."""
        try:
            if isinstance(error, RunError) and error.key == NOT_FINITE:
                self.recorder.give_best_away(self.position.best)
            self.recorder.failed(self.position.step, error)
        except WRITE_ERRORS as refused:
            self.recorder.warning(self.position.step, "The record of the failure", refused)

    def _end(self, status: str, score: RunScore | None = None) -> None:
        step = self.position.step
        if score is None:
            self._checkpoint()
        memory = self._meter.measured(self.base.model, self.method, self.state.optimiser, self.base.share)
        early = status == "finished" and step < self.settings.steps
        self.recorder.ended(step, status, early=early, memory=memory, wall_s=self.position.wall_s, score=score)

    def _move(self, **changes: object) -> None:
        self.state.position = replace(self.position, **changes)  # type: ignore[arg-type]
