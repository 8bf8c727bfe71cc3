"""A task head: a linear layer on one pooled state, trained together with the method that owns it.

    scores = W pool(h) + b            W: (classes, d), fp32
    start_t, end_t = W h_t + b        W: (2, d), where it marks the answer in a text

As in transformers, decoders read the last token and have no bias (`score`), encoders read the first and have one
(`classifier`, here without BERT's frozen pooler in between), and so do models of pictures, whose own classifier is
left alone. The strength dial leaves the head alone: at strength 0
it reads the untouched base.
"""

from typing import Self

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from engine.data.head_spec import HeadSpec
from engine.models.inputs import Inputs, Pixels, Tokens
from engine.models.shape import ModelShape

INIT_STD = 0.02
"""Spread of the first weights: transformers' own."""

LEARNING_RATE = 3e-3
"""Of the head, whatever the method's own: soft prompts want rates at which a linear layer jumps about."""

OUT_OF_THE_QUESTION = -1e4
"""Score of a token where no answer can start or end: finite, so that a difference of two of them is a number."""


class TaskHead(nn.Module):
    """Class scores, one number, or scores of an answer's ends, from the last hidden states of a text or a picture."""

    def __init__(self, spec: HeadSpec, shape: ModelShape) -> None:
        super().__init__()
        self.spec = spec
        self.weight = nn.Parameter(torch.zeros(spec.outputs, shape.d))
        self.bias = None if shape.family.causal else nn.Parameter(torch.zeros(len(self.weight)))

    @classmethod
    def build(cls, spec: HeadSpec, shape: ModelShape, rng: torch.Generator) -> Self:
        """A fresh head with its first values."""
        head = cls(spec, shape)
        with torch.no_grad():
            head.weight.normal_(0, INIT_STD, generator=rng)
        return head

    @staticmethod
    def count(spec: HeadSpec, shape: ModelShape) -> int:
        """Parameters: one row per class, and a bias on encoders."""
        return spec.outputs * (shape.d + (0 if shape.family.causal else 1))

    def forward(self, hidden: Float[Tensor, "b t d"], inputs: Inputs) -> Float[Tensor, "b *v"]:
        """Scores of every row: one per label, or a single number; where it marks spans, those of `span_scores`."""
        if self.spec.span:
            return self.span_scores(hidden, inputs)
        state = pooled(hidden, inputs, self.spec.pooling)
        return nn.functional.linear(state.float(), self.weight, self.bias)

    def span_scores(self, hidden: Float[Tensor, "b t d"], inputs: Inputs) -> Float[Tensor, "b 2 t"]:
        """How well an answer would start, and end, at each token; never at padding or virtual tokens."""
        assert not isinstance(inputs, Pixels)
        words = inputs.mask & (inputs.ids >= 0)
        scores = nn.functional.linear(hidden.float(), self.weight, self.bias).transpose(1, 2)
        return scores.masked_fill(~words[:, None], OUT_OF_THE_QUESTION)


def pooled(hidden: Float[Tensor, "b t d"], inputs: Inputs, pooling: str) -> Float[Tensor, "b d"]:
    """One state per row, whatever side it is padded on; virtual tokens inside the text are not averaged.

    The last token may be a virtual one: what a template puts there is there to be read. Of a picture the first is its
    class token, which is not averaged with the patches.
    """
    if isinstance(inputs, Pixels):
        return hidden[:, 1:].mean(1) if pooling == "mean" else hidden[:, 0]
    return _pooled_words(hidden, inputs, pooling)


def _pooled_words(hidden: Float[Tensor, "b t d"], tokens: Tokens, pooling: str) -> Float[Tensor, "b d"]:
    words = tokens.mask & (tokens.ids >= 0)
    match pooling:
        case "first":
            return _at(hidden, words.int().argmax(1))
        case "last":
            return _at(hidden, _last(tokens.mask))
        case _:
            weights = words.to(hidden.dtype)[..., None]
            return (hidden * weights).sum(1) / weights.sum(1)


def _last(mask: Bool[Tensor, "b t"]) -> Tensor:
    return mask.shape[1] - 1 - mask.int().flip(1).argmax(1)


def _at(hidden: Float[Tensor, "b t d"], places: Tensor) -> Float[Tensor, "b d"]:
    return hidden[torch.arange(len(hidden), device=hidden.device), places]
