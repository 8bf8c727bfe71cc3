"""All that a run writes: events, snapshots, checkpoints, the adapter, and the facts in run.json."""

import logging
import time
from pathlib import Path

import torch
from torch import Tensor

from engine.core.atomic import sync_tree
from engine.core.errors import WorkbenchError
from engine.core.tensors import write_tensors
from engine.exchange.native import copy_adapter, read_facts, save_adapter
from engine.memory.info import MeasuredMemory
from engine.methods.base import Method
from engine.models.base import Base
from engine.runs.folder import RunFolder
from engine.runs.forgetting import forgetting
from engine.runs.log import LogWriter
from engine.runs.score import RunScore
from engine.telemetry.events import Event, SnapshotEvent, Started, StatusEvent
from engine.training.checkpoint import TrainingState, save_checkpoint
from engine.training.disk_full import WRITE_ERRORS
from engine.training.early_stopping import BestValidation
from engine.training.out_of_memory import is_out_of_memory
from engine.training.update_norms import update_event


class Recorder:
    """Writes one run's folder.

    Args:
        folder: The run folder.
        base: The model, for the adapter's description.
        method: The method whose tensors are written.
        template: Text around a prompt, before the method's own template.
        keep: Which state becomes the adapter: "newest" or "best".
    """

    def __init__(self, folder: RunFolder, base: Base, method: Method, template: str, keep: str) -> None:
        self.folder = folder
        self._base, self._method, self._template, self._keep = base, method, template, keep
        self._log: LogWriter | None = None
        self._notice = ""

    def open(self) -> None:
        """Open the event log; before that, events are dropped."""
        self._log = LogWriter(self.folder.events_path)

    def close(self) -> None:
        """Close the event log."""
        if self._log is not None:
            self._log.close()

    def publish(self, event: Event) -> None:
        """Append an event to the log."""
        if self._log is not None:
            self._log.publish(event)

    def started(self, step: int, steps: int) -> None:
        """Training begins or goes on after `step` updates, of `steps` in all."""
        self.folder.update(status="running", message="", problem=None, score=None)
        trainable = sum(p.numel() for p in self._method.parameters())
        total = self._base.shape.parameters
        self.publish(Started(step=step, steps=steps, trainable=trainable, total=total, wall=time.time()))
        self.publish(StatusEvent(step=step, status="running"))

    def status(self, step: int, status: str, message: str = "") -> None:
        """A new status, in run.json and in the log; without a message, with what is still to be said of the run."""
        message = message or self._notice
        self.folder.update(status=status, message=message)
        self.publish(StatusEvent(step=step, status=status, message=message))

    def ended(
        self,
        step: int,
        status: str,
        *,
        early: bool,
        memory: MeasuredMemory,
        wall_s: float,
        score: RunScore | None,
    ) -> None:
        """The run is "finished" or "stopped".

        Args:
            step: Updates in all.
            status: One of the two.
            early: Whether patience ended it.
            memory: What it held.
            wall_s: Seconds of training.
            score: Of the state that is kept.
        """
        forgotten = forgetting(self.folder.events_path, self.folder.facts().kept_step)
        self.folder.update(
            memory=memory, stopped_early=early, wall_s=round(wall_s, 3), score=score, forgetting=forgotten
        )
        self.status(step, status)
        if status == "finished" and not self._keeps_best:
            self.folder.drop_best()

    def failed(self, step: int, error: Exception) -> None:
        """The run ended with an error; the newest checkpoint stays as it is."""
        self.folder.update(problem=error.to_dict() if isinstance(error, WorkbenchError) else None)
        self.status(step, "failed", str(error) or type(error).__name__)

    def warning(self, step: int, what: str, error: Exception) -> None:
        """Something beside the training itself failed; the run goes on."""
        logging.getLogger(__name__).warning("%s of step %d failed, training goes on.", what, step, exc_info=error)
        why = "memory ran out" if is_out_of_memory(error) else str(error)
        self.publish(StatusEvent(step=step, status="running", message=f"{what} of step {step} failed: {why}"))

    def diverged(self, step: int, notice: WorkbenchError) -> None:
        """The loss is far above where it began: from now on the best state is kept."""
        self._notice = str(notice)
        self.folder.update(problem=notice.to_dict(), message=str(notice))
        self.publish(StatusEvent(step=step, status="running", message=str(notice)))

    def waits(self, step: int) -> None:
        """The disk is full, and the run waits until there is room."""
        message = f"The disk is full at step {step}: training waits, and goes on as soon as there is room."
        logging.getLogger(__name__).warning(message)
        self.publish(StatusEvent(step=step, status="waiting", message=message))

    def remark(self, step: int, message: str) -> None:
        """Something that whoever reads the log should know, such as that an older checkpoint had to be taken."""
        logging.getLogger(__name__).warning(message)
        self.publish(StatusEvent(step=step, status="running", message=message))

    @torch.no_grad()
    def frame(self, step: int, before: dict[str, list[Tensor]] | None = None) -> None:
        """The method's own telemetry, norms of the update, and a snapshot. An error here ends no run.

        Args:
            step: Updates so far.
            before: Parameters before the last update, from `copied_groups`; None where there was none.
        """
        try:
            for event in self._method.parameter_events(step):
                self.publish(event)
            if before is not None:
                self.publish(update_event(step, self._method, before))
        except Exception as error:
            self.warning(step, "The telemetry", error)
        try:
            write_tensors(self.folder.snapshot_path(step), self._method.folded_tensors())
            self.folder.trim_snapshots()
            self.publish(SnapshotEvent(step=step))
        except WRITE_ERRORS as error:
            self.warning(step, "The snapshot", error)

    @property
    def _keeps_best(self) -> bool:
        """Whether the best state becomes the adapter: the run was told so, or has diverged."""
        return self._keep == "best" or bool(self._notice)

    def best(self, step: int) -> None:
        """Keep the present state as the best one, also where only a run that diverges would give it away."""
        self._save_adapter(self.folder.best_path(step), step)

    def checkpoint(self, state: TrainingState) -> None:
        """Write a checkpoint and the adapter that belongs to it.

        All of it survives a power cut as soon as run.json speaks of it: the events up to here, the checkpoint, the best
        state, and the adapter, in this order.
        """
        if self._log is not None:
            self._log.sync()
        save_checkpoint(self.folder, state)
        step, best = state.position.step, state.position.best
        source = self.folder.best_path(best.step)
        self.folder.trim_best(best.step)
        if source.exists():
            sync_tree(source)
        if self._keeps_best and best.loss is not None and source.exists():
            copy_adapter(source, self.folder.adapter_path)
        else:
            self._save_adapter(self.folder.adapter_path, step)
        self._note_adapter(step, best.loss)

    def give_best_away(self, best: BestValidation) -> None:
        """Make the best state the adapter of a run that ended without a number for its loss, where there is one."""
        source = self.folder.best_path(best.step)
        if best.loss is not None and source.exists():
            copy_adapter(source, self.folder.adapter_path)
            self._note_adapter(self.folder.facts().step, best.loss)

    def _note_adapter(self, step: int, best: float | None) -> None:
        """Write into run.json which state the adapter is, once the disk holds it."""
        sync_tree(self.folder.adapter_path)
        kept = read_facts(self.folder.adapter_path)
        self.folder.update(step=step, best_validation=best, kept_step=kept["step"], text=kept.get("text", ""))

    def _save_adapter(self, path: Path, step: int) -> None:
        data = self.folder.config.dataset
        save_adapter(self._method, self._base, path, step=step, template=self._template, data=data)
