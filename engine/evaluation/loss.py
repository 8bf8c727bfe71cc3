"""Loss functions: cross-entropy of labelled tokens, of classes or of an answer's ends, squared error of numbers."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from engine.core.parts import InParts, Parts
from engine.data.batching import Batch, Collator, batches_by_length
from engine.data.tokenise import IGNORE, Example
from engine.methods.parts.task_head import TaskHead
from engine.models.shape import ModelShape
from engine.models.view import View

Targets = Int[Tensor, " n"] | Float[Tensor, " n"]
"""Token ids or classes, or numbers."""


def logits_and_targets(view: View, batch: Batch, head: TaskHead | None = None) -> tuple[Float[Tensor, "n v"], Targets]:
    """Logits and targets: of every row where the batch has targets for a task head, else of every labelled token."""
    if batch.targets is None:
        return label_logits(view, batch)
    assert head is not None, "rows with targets need a task head"
    return by_choice(head(view.hidden(batch.inputs), batch.inputs), batch.targets)


def by_choice(logits: Tensor, targets: Tensor) -> tuple[Float[Tensor, "n v"], Targets]:
    """Logits and targets with a row for each choice: where an answer starts and where it ends are two."""
    return (logits.flatten(0, 1), targets.flatten()) if targets.ndim > 1 else (logits, targets)


def label_logits(view: View, batch: Batch) -> tuple[Float[Tensor, "n v"], Int[Tensor, " n"]]:
    """Logits and labels of the n labelled tokens; in causal models each is predicted from the token before it."""
    hidden, labels = view.hidden(batch.inputs), batch.labels
    if view.shape.family.causal:
        hidden, labels = hidden[:, :-1], labels[:, 1:]
    keep = labels != IGNORE
    return view.head(hidden[keep]).float(), labels[keep]


def summed_loss(logits: Float[Tensor, "n v"], targets: Targets) -> Float[Tensor, ""]:
    """Summed nats, or summed squared errors where the targets are numbers."""
    if targets.is_floating_point():
        return nn.functional.mse_loss(logits[:, 0], targets, reduction="sum")
    return nn.functional.cross_entropy(logits, targets, reduction="sum")


def label_loss(view: View, batch: Batch) -> tuple[Float[Tensor, ""], int]:
    """Summed nats and number of the labelled tokens."""
    logits, labels = label_logits(view, batch)
    return summed_loss(logits, labels), len(labels)


def count_labels(shape: ModelShape, batch: Batch) -> int:
    """Number of labels of a batch that enter the loss."""
    if batch.targets is not None:
        return batch.targets.numel()
    labels = batch.labels[:, 1:] if shape.family.causal else batch.labels
    return int((labels != IGNORE).sum())


@InParts
def mean_loss(
    view: View, examples: Sequence[Example], collate: Collator, size: int = 16, head: TaskHead | None = None
) -> Parts[float]:
    """Mean over all examples: nats per labelled token; with a task head nats, or the squared error, per row.

    Where a head marks spans, it is nats per end of an answer, two in a window.

    A part is a batch.
    """
    total, count = 0.0, 0
    for batch in batches_by_length(examples, size):
        with torch.no_grad():
            logits, targets = logits_and_targets(view, collate(batch), head)
            total, count = total + float(summed_loss(logits, targets)), count + len(targets)
        yield
    return total / max(1, count)
