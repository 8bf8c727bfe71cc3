"""Gradients of one batch: forward and backward with the run's own random numbers, in one process or several."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.config.training import TrainingSettings
from engine.data.batching import Batch, collator_of
from engine.data.tokenise import Example
from engine.evaluation.loss import count_labels
from engine.memory.meter import Meter
from engine.methods.base import Method
from engine.methods.trial import Measure
from engine.models.base import Base
from engine.training.objective import TrainingObjective
from engine.training.processes import Processes


@dataclass(frozen=True, slots=True)
class Step:
    """What a step begins with, as process 0 tells it to the others.

    Attributes:
        number: Updates so far.
        rng: State of PyTorch's random numbers on the CPU.
    """

    number: int
    rng: Tensor


@dataclass(frozen=True, slots=True)
class Result:
    """What a batch gave beside the gradients.

    Attributes:
        loss: Mean over all labels.
        grad_norm: Norm of the gradient before clipping.
        tokens: Of all rows, without padding.
        rng: State of the random numbers after it.
    """

    loss: float
    grad_norm: float
    tokens: int
    rng: Tensor


class Gradients:
    """Makes the gradients of a method's parameters.

    Args:
        settings: Settings of the loop.
        base: The frozen model.
        method: The method.
        objective: Gives the summed loss of a batch.
        processes: Those that train the run; each takes its share of the rows.

    Attributes:
        method: Whose parameters train.
        meter: Measures the memory of each step.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        base: Base,
        method: Method,
        objective: TrainingObjective,
        processes: Processes,
    ) -> None:
        self._settings, self._base, self.method = settings, base, method
        self._objective, self.processes = objective, processes
        self._collate = collator_of(base)
        self.meter = Meter(base.device)

    def lead(self, rows: Sequence[Example], step: Step) -> Result:
        """In process 0: as `of`, after the others were told to do the same."""
        self.processes.tell(step)
        return self.of(rows, step)

    def of(self, rows: Sequence[Example], step: Step) -> Result:
        """Forward and backward of rows; in process 0 the gradients are clipped and lie in the parameters.

        Raises:
            DataError: A picture cannot be read any more.
            RunError: Another process failed.
        """
        self.processes.share_tensors(self.method)
        with self.processes.together():
            own = self.processes.share_of(rows)
            batch = self._collate(own) if own else None
        return self.of_batch(batch, step)

    def of_batch(self, batch: Batch | None, step: Step) -> Result:
        """The same for this process's share as a batch; None where it has no row."""
        self.method.enter_step(step.number)
        with self._random_numbers_of(step):
            with self.meter.step(*(batch.labels.shape if batch else (0, 0))):
                loss = self._backward(batch)
                self.processes.sum_gradients(p for p in self.method.parameters() if p.requires_grad)
                limit = self._settings.max_grad_norm or math.inf
                grad_norm = float(torch.nn.utils.clip_grad_norm_(self.method.parameters(), limit))
            loss, tokens = self.processes.total(loss, batch.size if batch else 0)
            return Result(loss, grad_norm, int(tokens), torch.get_rng_state())

    def measure_on(self, batches: Sequence[Sequence[Example]], step: Step) -> Measure:
        """What gives the mean loss of these rows over all labels, in this process alone and without gradients.

        Every call draws the random numbers with which the step begins, so that two differ only by what the method does.

        Raises:
            DataError: A picture cannot be read any more.
        """
        collated = [self._collate(rows) for rows in batches]
        count = max(1, sum(count_labels(self._base.shape, batch) for batch in collated))

        @torch.no_grad()
        def measure() -> float:
            with self._random_numbers_of(step):
                parts = (part for batch in collated for part in batch.parts(self._settings.micro_batches))
                return sum(float(self._objective(part)) for part in parts) / count

        return measure

    @contextmanager
    def _random_numbers_of(self, step: Step) -> Iterator[None]:
        """Draw those of a step, and afterwards go on with those from before."""
        cuda = [self._base.device] if self._base.device.type == "cuda" else []
        rank = self.processes.rank
        with torch.random.fork_rng(devices=cuda):
            torch.set_rng_state(step.rng)
            if rank:  # what is dropped of one process's rows has nothing to do with what is dropped of another's
                torch.manual_seed(int(torch.randint(2**62, ())) + rank)
            if cuda:  # the GPU's RNG state depends on the step alone, so that a resumed run draws the same numbers
                torch.cuda.manual_seed_all(self._settings.seed * 1_000_003 + step.number + 7919 * rank)
            yield

    def clear(self) -> None:
        """Drop the gradients."""
        self.method.zero_grad()

    def _backward(self, batch: Batch | None) -> float:
        """Gradient of the mean over all labels, in `micro_batches` parts; returns this process's part of the loss."""
        (count,) = self.processes.total(count_labels(self._base.shape, batch) if batch else 0)
        total = 0.0
        with self.processes.together(), self.processes.passing():
            for part in batch.parts(self._settings.micro_batches) if batch else ():
                loss = self._objective(part) / max(1, count)
                loss.backward()
                total += float(loss.detach())
        return total
