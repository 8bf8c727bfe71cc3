"""Looking at one sentence: which prompts each token asks, and how much the answer weighs.

`ProbeInput` runs the forward; the small functions below turn what an observer saw into numbers for the page.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from engine.models.sites import Glimpse, capped


@dataclass(frozen=True, slots=True)
class ProbeInput:
    """One sentence on its way through a view.

    Attributes:
        tokens: The sentence's tokens as readable text.
        run: Runs the forward once, with the observers that were put in place before.
    """

    tokens: list[str]
    run: Callable[[], None]


def rounded(values: Float[Tensor, "*n"], digits: int = 4) -> list[Any]:
    """A tensor as lists in lists, one level per axis, rounded so that the JSON stays short."""
    numbers: list[Any] = values.detach().cpu().double().round(decimals=digits).tolist()
    return numbers


def text_scores(glimpse: Glimpse, scale: float) -> Float[Tensor, "h t s"]:
    """Masked scores of the first row: every query against every key of the text and virtual tokens."""
    scores = glimpse.query[0].float() @ glimpse.key[0].float().transpose(-1, -2) * scale
    return capped(scores, glimpse.softcap) + glimpse.mask[0].float()


def relative_norm(part: Float[Tensor, "*n k"], whole: Float[Tensor, "*n k"]) -> Float[Tensor, " *n"]:
    """|part| / |whole| along the last axis, 0 where both are 0."""
    return part.float().norm(dim=-1) / whole.float().norm(dim=-1).clamp(min=1e-12)
