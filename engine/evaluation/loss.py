"""What training minimises: cross-entropy of labelled tokens or classes, or the squared error of numbers."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from engine.data.batching import Batch, Collator, batches_by_length
from engine.data.tokenise import IGNORE, Example
from engine.methods.base import Method
from engine.methods.parts.head import TaskHead
from engine.models.view import View

Wanted = Int[Tensor, " n"] | Float[Tensor, " n"]
"""Token ids or classes, or numbers."""


class Objective(nn.Module):
    """A method on its training view, as one module: what Accelerate prepares and data parallelism wraps.

    A method that makes two passes with different dice gets a view for each, so that recomputing one in the backward
    pass finds its own dice as they lay.
    """

    def __init__(self, method: Method, views: Sequence[View]) -> None:
        super().__init__()
        self.method = method
        self._passes = [(method, views[0])]
        for view in views[1 : method.passes]:
            twin = method.twin()
            twin.attach(view.sites)
            self._passes.append((twin, view))

    def forward(self, batch: Batch) -> Float[Tensor, ""]:
        """Summed loss of the first pass, and what it costs that a second one differs."""
        scores = []
        for method, view in self._passes:
            method.roll()
            scores.append(scored(view, batch, method.head))
        loss = summed_loss(*scores[0])
        if len(scores) > 1:
            loss = loss + self.method.agreement(scores[0][0], scores[1][0])
        return loss


def scored(view: View, batch: Batch, head: TaskHead | None = None) -> tuple[Float[Tensor, "n v"], Wanted]:
    """Scores and what they should say: of every row where a head is to judge, else of every labelled token."""
    if batch.targets is None:
        return label_logits(view, batch)
    assert head is not None, "rows with targets need a task head"
    return head(view.hidden(batch.inputs), batch.inputs), batch.targets


def label_logits(view: View, batch: Batch) -> tuple[Float[Tensor, "n v"], Int[Tensor, " n"]]:
    """Logits and labels of the labelled tokens. A decoder predicts each from what stands before it."""
    hidden, labels = view.hidden(batch.inputs), batch.labels
    if view.shape.family.causal:
        hidden, labels = hidden[:, :-1], labels[:, 1:]
    keep = labels != IGNORE
    return view.head(hidden[keep]).float(), labels[keep]


def summed_loss(scores: Float[Tensor, "n v"], wanted: Wanted) -> Float[Tensor, ""]:
    """Summed nats, or summed squared errors where numbers are wanted."""
    if wanted.is_floating_point():
        return nn.functional.mse_loss(scores[:, 0], wanted, reduction="sum")
    return nn.functional.cross_entropy(scores, wanted, reduction="sum")


def label_loss(view: View, batch: Batch) -> tuple[Float[Tensor, ""], int]:
    """(summed nats, number) of the labelled tokens."""
    logits, labels = label_logits(view, batch)
    return summed_loss(logits, labels), len(labels)


def labelled(view: View, batch: Batch) -> int:
    """How many labels of a batch are trained on."""
    if batch.targets is not None:
        return len(batch.targets)
    labels = batch.labels[:, 1:] if view.shape.family.causal else batch.labels
    return int((labels != IGNORE).sum())


@torch.no_grad()
def mean_loss(
    view: View, examples: Sequence[Example], collate: Collator, size: int = 16, head: TaskHead | None = None
) -> float:
    """Nats per labelled token (or per row, or squared error per row, where a head judges) over all examples."""
    total, count = 0.0, 0
    for part in batches_by_length(examples, size):
        scores, wanted = scored(view, collate(part), head)
        total, count = total + float(summed_loss(scores, wanted)), count + len(wanted)
    return total / max(1, count)
