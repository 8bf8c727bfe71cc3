"""What `Method.probe` and `Method.validation_events` get, and how what they observe becomes numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from engine.models.attention_site import AttentionRecord, cap_scores


@dataclass(frozen=True, slots=True)
class ProbeInput:
    """One text or picture, ready to go through a view.

    Attributes:
        tokens: Its tokens as readable text, (t,).
        run: Runs the forward once; the observers that are registered at the view's sites by then are called.
    """

    tokens: list[str]
    run: Callable[[], None]


def rounded(values: Float[Tensor, "*n"], digits: int = 4) -> list[Any]:
    """A tensor as lists in lists, one level per axis, rounded so that the JSON stays short."""
    numbers: list[Any] = values.detach().cpu().double().round(decimals=digits).tolist()
    return numbers


def text_scores(record: AttentionRecord, scale: float) -> Float[Tensor, "h t s"]:
    """Masked scores of the first row: every query against every key of the text and virtual tokens."""
    scores = record.query[0].float() @ record.key[0].float().transpose(-1, -2) * scale
    return cap_scores(scores, record.softcap) + record.mask[0].float()


def relative_norm(part: Float[Tensor, "*n k"], whole: Float[Tensor, "*n k"]) -> Float[Tensor, " *n"]:
    """|part| / |whole| along the last axis, 0 where both are 0."""
    out: Float[Tensor, " *n"] = part.float().norm(dim=-1) / whole.float().norm(dim=-1).clamp(min=1e-12)
    return out
