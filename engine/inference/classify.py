"""Predictions of a task head: one as text for display, many as logits for metrics."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from engine.core.parts import InParts, Parts
from engine.data.batching import Collator
from engine.data.head_spec import HeadSpec
from engine.data.tokenise import Example
from engine.inference.messages import with_share
from engine.methods.parts.task_head import TaskHead
from engine.models.view import View

Targets = Int[Tensor, " n"] | Float[Tensor, " n"]
"""Classes, or numbers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadPrediction:
    """Prediction of a task head for one text or picture.

    Attributes:
        probabilities: Every label with its probability, likeliest first; empty where the head estimates a number.
        number: The estimate; None where there are labels.
    """

    probabilities: list[tuple[str, float]]
    number: float | None

    @classmethod
    def of(cls, spec: HeadSpec, logits: Float[Tensor, " v"]) -> Self:
        """The prediction of one row's logits."""
        if not spec.labels:
            return cls(probabilities=[], number=float(f"{spec.number(float(logits[0])):.6g}"))
        pairs = zip(spec.labels, logits.float().softmax(-1).tolist(), strict=True)
        rounded = [(label, round(probability, 4)) for label, probability in pairs]
        return cls(probabilities=sorted(rounded, key=lambda pair: -pair[1]), number=None)

    @property
    def answer(self) -> str:
        """The likeliest label, or the number."""
        return self.probabilities[0][0] if self.probabilities else f"{self.number:.6g}"

    @property
    def text(self) -> str:
        """A line per label with its probability, likeliest first; or the number."""
        if not self.probabilities:
            return self.answer
        return "\n".join(with_share(label, probability) for label, probability in self.probabilities)


@InParts
def head_logits(
    view: View, head: TaskHead, examples: Sequence[Example], collate: Collator, size: int = 16
) -> Parts[Float[Tensor, "n v"]]:
    """A head's logits of n encoded texts or pictures, in order, v labels each; batched by similar length.

    A part is a batch.
    """
    order = sorted(range(len(examples)), key=lambda index: len(examples[index].ids))
    logits: dict[int, Tensor] = {}
    for start in range(0, len(order), size):
        part = order[start : start + size]
        inputs = collate([examples[index] for index in part]).inputs
        with torch.no_grad():
            logits.update(zip(part, head(view.hidden(inputs), inputs), strict=True))
        yield
    return torch.stack([logits[index] for index in range(len(examples))])


def head_targets(examples: Sequence[Example], device: torch.device) -> Targets:
    """Classes, or numbers, of examples with a target."""
    return torch.tensor([example.target for example in examples], device=device)


def validation_score(logits: Float[Tensor, "n v"], targets: Targets) -> tuple[float, str]:
    """Accuracy for classes, Pearson's correlation for numbers (0 where all predictions are equal)."""
    if not targets.is_floating_point():
        return round(float((logits.argmax(-1) == targets).float().mean()), 4), "accuracy"
    pair = torch.stack([logits[:, 0], targets]).double()
    centred = pair - pair.mean(1, keepdim=True)
    norms = centred.norm(dim=1).prod()
    return (round(float((centred[0] @ centred[1]) / norms), 4) if norms > 0 else 0.0), "pearson"
