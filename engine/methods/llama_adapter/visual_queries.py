"""V2's visual queries: learned tokens that read a picture's patches in transformer blocks of their own."""

from math import gcd

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from engine.data.picture_features import PictureFeatures, PictureTokens
from engine.methods.llama_adapter.vision import PictureReader
from engine.models.vision import VisionEncoder, VisionShape

HEADS = 16
"""Of a block, as in the authors' code; fewer where the width is no multiple of so many."""
EXPANSION = 4
"""Of a block's MLP."""


class VisualQueries(PictureReader):
    """K vectors per picture, one for each adaption prompt of a layer.

        x = concat(queries, norm(W_r tokens + b_r))      tokens: all of the encoder's last layer
        x = x + attention(norm(x)); x = x + mlp(norm(x)) n times, every token sees every other
        out = norm(W x_1..K + b)

    Args:
        encoder: Sizes of the encoder.
        queries: How many there are, K.
        blocks: How many blocks they go through, n.
        d: Width of the language model.
    """

    def __init__(self, encoder: VisionShape, queries: int, blocks: int, d: int) -> None:
        super().__init__()
        width, self.tokens = encoder.token_width, encoder.tokens
        self.reading, self.reading_norm = nn.Linear(width, width), nn.LayerNorm(width)
        self.queries = nn.Parameter(torch.empty(queries, width))
        self.blocks = nn.ModuleList(_block(width) for _ in range(blocks))
        self.linear, self.norm = nn.Linear(width, d), nn.LayerNorm(d)

    @staticmethod
    def count(encoder: VisionShape, queries: int, blocks: int, d: int) -> int:
        """Parameters, with w the width of the encoder's tokens: 12 w^2 + 13 w in every block."""
        w = encoder.token_width
        return w * w + 3 * w + queries * w + blocks * (12 * w * w + 13 * w) + w * d + 3 * d

    @override
    @torch.no_grad()
    def start(self, rng: torch.Generator) -> None:
        """First values: matrices as wide as torch's own, queries from N(0, 1), no biases, the norms as they stand."""
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                spread = 1.0 if name == "queries" else (3 * parameter.shape[1]) ** -0.5
                parameter.normal_(0, spread, generator=rng)
            elif name.endswith("bias"):
                parameter.zero_()

    @override
    def features_of(self, encoder: VisionEncoder) -> PictureFeatures:
        return PictureTokens(encoder)

    @override
    def blank(self) -> Float[Tensor, "*f"]:
        return self.queries.new_zeros(self.tokens, self.queries.shape[1])

    @override
    def read(self, features: Float[Tensor, "b *f"]) -> Float[Tensor, "b k d"]:
        tokens = self.reading_norm(self.reading(features))
        x = torch.cat([self.queries.expand(len(tokens), -1, -1), tokens], dim=1)
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.norm(self.linear(x[:, : len(self.queries)]))
        return out


def _block(width: int) -> nn.Module:
    """One of timm's: normed before each half, GELU, no dropout."""
    return nn.TransformerEncoderLayer(
        width, gcd(width, HEADS), EXPANSION * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
