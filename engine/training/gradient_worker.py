"""What each process of a run has: the rows and what makes their gradients. Process 0 has the trainer around it."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from engine.config.run import RunConfig
from engine.config.training import TrainingSettings
from engine.data.batching import batches_from
from engine.data.dataset import Dataset
from engine.data.encode import encode_training
from engine.data.head_spec import HeadSpec
from engine.data.tokenise import Example
from engine.methods.base import Method
from engine.methods.trial import Measure, Trial
from engine.models.base import Base
from engine.runs.facts import BaseFacts
from engine.training.gradients import Gradients, Result, Step
from engine.training.objective import TrainingObjective
from engine.training.optimiser import checkpoint_activations
from engine.training.processes import Processes
from engine.training.sharing import packed


@dataclass(frozen=True, slots=True)
class GradientWorker:
    """What makes the gradients of a run in one process.

    Attributes:
        settings: Settings of the loop.
        examples: The encoded training rows.
        gradients: Makes the gradients of some of them.
        max_seq_len: Longest row in tokens.
        sorted_batches: Batches whose rows are sorted by length together.
        labels: The responses there are, where these are few.
    """

    settings: TrainingSettings
    examples: Sequence[Example]
    gradients: Gradients
    max_seq_len: int
    sorted_batches: int
    labels: tuple[str, ...]

    def lead(self, rows: Sequence[Example], step: Step) -> Result:
        """In process 0: the gradients of rows, from all processes, and what the method finds with them by trying.

        Raises:
            DataError: A picture cannot be read any more.
            RunError: Another process failed.
        """
        given = self.gradients.lead(rows, step)
        if math.isfinite(given.loss) and math.isfinite(given.grad_norm):
            self.gradients.method.search(self._trial(step, given))
        return given

    def _trial(self, step: Step, given: Result) -> Trial:
        """What a search gets in a step. Nothing is drawn or encoded before it asks."""
        settings, seed = self.settings, self.settings.seed * 1_000_003 + step.number
        size, limit = min(settings.batch_size, len(self.examples)), settings.max_grad_norm

        def fresh(batches: int) -> Measure:
            draw = random.Random(seed)
            drawn = [draw.sample(range(len(self.examples)), size) for _ in range(batches)]
            return self.gradients.measure_on([[self.examples[index] for index in rows] for rows in drawn], step)

        # As torch.nn.utils.clip_grad_norm_ does it.
        unclip = max(1.0, (given.grad_norm + 1e-6) / limit) if limit else 1.0
        return Trial(torch.Generator().manual_seed(seed), unclip, self.labels, fresh)

    def batches(self, first: int) -> Iterator[list[Example]]:
        """Endless batches, starting with number `first`."""
        settings = self.settings
        return batches_from(self.examples, settings.batch_size, settings.seed, first, self.sorted_batches)


@dataclass(frozen=True, slots=True)
class Plan:
    """What process 0 tells the others of a run, from which they make the same worker.

    Attributes:
        run: Its id.
        config: What is trained.
        head: Spec of the task head; None without one.
        base: Its base.
        data: Fingerprints of the dataset's splits.
        sorted_batches: As in `GradientWorker`.
        packed: The base without its weights, and the method, where the processes hold the base together.
    """

    run: str
    config: RunConfig
    head: HeadSpec | None
    base: BaseFacts
    data: dict[str, str]
    sorted_batches: int
    packed: bytes | None = None


def lead(processes: Processes, plan: Plan, base: Base, method: Method) -> None:
    """In process 0: tell the others what is trained, and wait until they have loaded it, or their shares of the base.

    Raises:
        RunError: One of them could not, or the base cannot be split.
    """
    processes.tell(replace(plan, packed=packed(base, method)) if processes.sharded else plan)
    with processes.together():
        pass
    processes.split(base)
    with processes.together():
        pass


def build_gradient_worker(
    settings: TrainingSettings,
    base: Base,
    method: Method,
    dataset: Dataset,
    processes: Processes,
    sorted_batches: int,
) -> GradientWorker:
    """Attach a method to its training views, move it to the base's device, and encode the training rows.

    Raises:
        WorkbenchError: A row cannot be encoded.
    """
    views = [base.view() for _ in range(method.passes)]
    method.attach(views[0].sites)
    if settings.gradient_checkpointing:
        checkpoint_activations(views)
    method.train()
    templated, spec = dataset.in_template(method.template), method.head.spec if method.head else None
    max_seq_len = min(settings.max_seq_len, views[0].max_text_tokens)
    examples = encode_training(base.processor, templated, templated.rows("train"), max_seq_len, spec)
    method.to(base.device)
    gradients = Gradients(settings, base, method, TrainingObjective(method, views), processes)
    return GradientWorker(settings, examples, gradients, max_seq_len, sorted_batches, tuple(dataset.labels))
