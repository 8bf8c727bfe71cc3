"""What training minimises: cross-entropy of the labelled tokens, with the head run on just those."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.data.encode import IGNORE, Batch, Example, collate, window
from engine.methods.base import Method
from engine.models.view import View


class Objective(nn.Module):
    """A method on its training view, as one module: what Accelerate prepares and data parallelism wraps."""

    def __init__(self, method: Method, view: View) -> None:
        super().__init__()
        self.method = method
        self._view = (view,)  # in a tuple, so that the frozen base is no part of this module

    def forward(self, batch: Batch) -> Float[Tensor, ""]:
        """Summed nats of the labelled tokens."""
        return label_loss(self._view[0], batch)[0]


def label_loss(view: View, batch: Batch) -> tuple[Float[Tensor, ""], int]:
    """(summed nats, number) of the labelled tokens. A decoder predicts each from what stands before it."""
    hidden, labels = view.hidden(batch.tokens), batch.labels
    if view.shape.family.causal:
        hidden, labels = hidden[:, :-1], labels[:, 1:]
    keep = labels != IGNORE
    logits = view.read(hidden[keep]).float()  # (n, v)
    return nn.functional.cross_entropy(logits, labels[keep], reduction="sum"), int(keep.sum())


def labelled(view: View, batch: Batch) -> int:
    """How many labels of a batch are trained on."""
    labels = batch.labels[:, 1:] if view.shape.family.causal else batch.labels
    return int((labels != IGNORE).sum())


@torch.no_grad()
def mean_loss(view: View, examples: Sequence[Example], pad_id: int, size: int = 16) -> float:
    """Nats per labelled token over all examples."""
    total, count = 0.0, 0
    for part in window(examples, size):
        loss, n = label_loss(view, collate(part, pad_id, view.model.device))
        total, count = total + float(loss), count + n
    return total / max(1, count)
