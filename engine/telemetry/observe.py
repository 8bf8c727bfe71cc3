"""Looking at one sentence: which prompts each token asks, and how much the answer weighs.

`ProbeInput` runs the forward; the small functions below turn what an observer saw into numbers for the page.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from engine.models.attention_site import AttentionRecord, cap_scores


@dataclass(frozen=True, slots=True)
class ProbeInput:
    """One sentence on its way through a view.

    Attributes:
        tokens: The sentence's tokens as readable text.
        run: Runs the forward once, with the observers that were put in place before.
    """

    tokens: list[str]
    run: Callable[[], None]


def rounded(values: Tensor, digits: int = 4) -> list[object]:
    """Nested lists of a tensor, rounded so that the browser gets short numbers."""
    return values.detach().cpu().double().round(decimals=digits).tolist()  # type: ignore[no-any-return]


def text_scores(record: AttentionRecord, scale: float) -> Float[Tensor, "h t s"]:
    """Masked scores of the first row: every query against every key of the text and virtual tokens."""
    scores = record.query[0].float() @ record.key[0].float().transpose(-1, -2) * scale
    return cap_scores(scores, record.softcap) + record.mask[0].float()


def joint_share(prompt_scores: Float[Tensor, "h t p"], scores: Float[Tensor, "h t s"]) -> Float[Tensor, "h t"]:
    """What share of one common softmax the prompts would get (He et al. 2022, lambda)."""
    prompts = prompt_scores.logsumexp(-1)
    return torch.sigmoid(prompts - scores.logsumexp(-1))


def relative_norm(part: Float[Tensor, "*n k"], whole: Float[Tensor, "*n k"]) -> Float[Tensor, " *n"]:
    """|part| / |whole| along the last axis, 0 where both are 0."""
    return part.float().norm(dim=-1) / whole.float().norm(dim=-1).clamp(min=1e-12)
