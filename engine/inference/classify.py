"""What a task head says: of one text or picture for a person, of many for a score."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from engine.data.batching import Collator
from engine.data.head_spec import HeadSpec
from engine.data.tokenise import Example
from engine.methods.parts.head import TaskHead
from engine.models.view import View

Targets = Int[Tensor, " n"] | Float[Tensor, " n"]
"""Classes, or numbers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """A head's answer to one text.

    Attributes:
        shares: Every label with its probability, likeliest first; empty when the head estimates a number.
        number: The estimate; None when there are labels.
    """

    shares: list[tuple[str, float]]
    number: float | None

    @classmethod
    def of(cls, spec: HeadSpec, scores: Float[Tensor, " v"]) -> Self:
        """The answer that a text's scores mean."""
        if not spec.labels:
            return cls(shares=[], number=round(float(scores[0]), 4))
        shares = zip(spec.labels, scores.float().softmax(-1).tolist(), strict=True)
        return cls(shares=sorted(((label, round(p, 4)) for label, p in shares), key=lambda pair: -pair[1]), number=None)

    @property
    def answer(self) -> str:
        """The likeliest label, or the number."""
        return self.shares[0][0] if self.shares else f"{self.number:.4g}"

    @property
    def text(self) -> str:
        """All of it, the same in every language: a line per label with its share, likeliest first."""
        if not self.shares:
            return self.answer
        return "\n".join(f"{label}  {100 * share:.1f} %" for label, share in self.shares)


@torch.no_grad()
def judged(
    view: View, head: TaskHead, examples: Sequence[Example], collate: Collator, size: int = 16
) -> Float[Tensor, "n v"]:
    """A head's scores of encoded texts or pictures, in their order; batches are of similar length."""
    order = sorted(range(len(examples)), key=lambda index: len(examples[index].ids))
    found: dict[int, Tensor] = {}
    for start in range(0, len(order), size):
        part = order[start : start + size]
        inputs = collate([examples[index] for index in part]).inputs
        found.update(zip(part, head(view.hidden(inputs), inputs), strict=True))
    return torch.stack([found[index] for index in range(len(examples))])


def targets_of(examples: Sequence[Example], device: torch.device) -> Targets:
    """What a head should say of each example."""
    return torch.tensor([example.target for example in examples], device=device)


def quick_score(scores: Float[Tensor, "n v"], wanted: Targets) -> tuple[float, str]:
    """Accuracy for classes, Pearson's correlation for numbers (0 where all estimates are alike)."""
    if not wanted.is_floating_point():
        return round(float((scores.argmax(-1) == wanted).float().mean()), 4), "accuracy"
    pair = torch.stack([scores[:, 0], wanted]).double()
    centred = pair - pair.mean(1, keepdim=True)
    norms = centred.norm(dim=1).prod()
    return (round(float((centred[0] @ centred[1]) / norms), 4) if norms > 0 else 0.0), "pearson"
