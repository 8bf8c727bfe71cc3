"""Small transformers that run beside the frozen backbone: what side-tuning and ladder side-tuning are built of.

A block is the usual one, pre-norm and without biases, at a width w of its own:

    x = x + W_o attention(norm(x))
    x = x + W_down gelu(W_up norm(x))

Its attention is causal where the backbone's is. Queries and keys are rotated, unless positions are learned: then the
embeddings that the side network reads hold them already. With a key/value cache a block keeps its keys and values in
the trace's cache state, which has the cache's lifetime.
"""

from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.utils.init import skip_init

from engine.models.shape import ModelShape
from engine.models.trace import BackboneTrace, CacheState

EPS = 1e-6
ROTARY_BASE = 10_000.0
NARROWEST_HEAD = 8
"""Heads are as many as the backbone's, unless that makes them narrower than this."""
EXPANSION = 4
"""Width of a block's MLP, in widths of the block."""


@dataclass(frozen=True, slots=True)
class BlockContext:
    """What all blocks of one forward share: which keys each query sees, and how both are rotated.

    Attributes:
        visible: Whether a query sees a key, the cached past included.
        rotation: Cosine and sine by which queries and keys are rotated; None where nothing is rotated.
    """

    visible: Bool[Tensor, "b 1 t s"]
    rotation: tuple[Float[Tensor, "b 1 t k"], Float[Tensor, "b 1 t k"]] | None

    @classmethod
    def of(cls, trace: BackboneTrace, shape: ModelShape, head_width: int) -> Self:
        """The context of a forward. Positions count tokens, so neither padding nor other rows of the batch matter."""
        t, s = trace.states[0].shape[1], trace.mask.shape[1]
        every = torch.ones(t, s, dtype=torch.bool, device=trace.mask.device)
        visible = trace.mask[:, None, None, :].expand(-1, 1, t, -1)
        if shape.family.causal:
            visible = visible & every.tril(s - t)
        # Padding sees itself: a softmax over nothing would be NaN.
        visible = visible | (every.tril(s - t) & every.triu(s - t))
        if shape.family.positions == "learned":
            return cls(visible, None)
        positions = (trace.mask.long().cumsum(-1) - 1)[:, -t:].clamp(min=0)
        steps = torch.arange(0, head_width, 2, device=positions.device) / head_width
        angles = positions[:, None, :, None] * ROTARY_BASE**-steps  # (b, 1, t, k / 2)
        angles = torch.cat([angles, angles], dim=-1)
        return cls(visible, (angles.cos(), angles.sin()))


class SideBlock(nn.Module):
    """One pre-norm transformer block of width w."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.RMSNorm(width, eps=EPS)
        self.qkv = skip_init(nn.Linear, width, 3 * width, bias=False)
        self.out = skip_init(nn.Linear, width, width, bias=False)
        self.mlp_norm = nn.RMSNorm(width, eps=EPS)
        self.up = skip_init(nn.Linear, width, EXPANSION * width, bias=False)
        self.down = skip_init(nn.Linear, EXPANSION * width, width, bias=False)

    @staticmethod
    def count(width: int) -> int:
        """3 w^2 + w^2 for attention, 2 * 4 w^2 for the MLP, 2 w for the norms."""
        return (4 + 2 * EXPANSION) * width**2 + 2 * width

    def initialise(self, rng: torch.Generator) -> None:
        """First values: matrices uniform by their inputs, gains at 1."""
        for matrix in (self.qkv, self.out, self.up, self.down):
            initialise_linear(matrix, rng)

    def forward(
        self, x: Float[Tensor, "b t w"], context: BlockContext, past: CacheState | None
    ) -> Float[Tensor, "b t w"]:
        """The block's output; with a past, its keys and values are kept there for the next forward."""
        q, k, v = (part.unflatten(-1, (self.heads, -1)) for part in self.qkv(self.attention_norm(x)).chunk(3, dim=-1))
        q, k, v = (
            rotated(q.transpose(1, 2), context),
            rotated(k.transpose(1, 2), context),
            v.transpose(1, 2),
        )  # (b, h, t, k)
        if past is not None:
            if past:
                k, v = torch.cat([past["k"], k], dim=2), torch.cat([past["v"], v], dim=2)
            past["k"], past["v"] = k, v
        answer = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=context.visible)
        x = x + self.out(answer.transpose(1, 2).flatten(2))
        out: Float[Tensor, "b t w"] = x + self.down(nn.functional.gelu(self.up(self.mlp_norm(x))))
        return out


class SmallTransformer(nn.Module):
    """Blocks between a projection down to their width and one up again: reads the embedded text."""

    def __init__(self, shape: ModelShape, width: int, blocks: int) -> None:
        super().__init__()
        self._shape, self._head_width = shape, width // heads_for(width, shape.h)
        self.down = skip_init(nn.Linear, shape.d, width)
        self.blocks = nn.ModuleList(SideBlock(width, heads_for(width, shape.h)) for _ in range(blocks))
        self.norm = nn.RMSNorm(width, eps=EPS)
        self.up = skip_init(nn.Linear, width, shape.d)

    @staticmethod
    def count(shape: ModelShape, width: int, blocks: int) -> int:
        """2 d w + w + d for the projections, n blocks of 12 w^2 + 2 w, and w for the norm."""
        return 2 * shape.d * width + width + shape.d + blocks * SideBlock.count(width) + width

    def initialise(self, rng: torch.Generator) -> None:
        """First values."""
        initialise_linear(self.down, rng)
        for block in self.blocks:
            block.initialise(rng)  # type: ignore[operator]
        initialise_linear(self.up, rng)

    def forward(self, trace: BackboneTrace) -> Float[Tensor, "b t d"]:
        """Last hidden states of the width of the backbone's."""
        context = BlockContext.of(trace, self._shape, self._head_width)
        x = self.down(trace.states[0].detach().float())
        for index, block in enumerate(self.blocks):
            x = block(x, context, block_cache(trace.cache_state, index))
        out: Float[Tensor, "b t d"] = self.up(self.norm(x))
        return out


def rotated(x: Float[Tensor, "b h t k"], context: BlockContext) -> Float[Tensor, "b h t k"]:
    """Queries or keys, each pair of numbers turned by its position."""
    if context.rotation is None:
        return x
    cos, sin = context.rotation
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin


def block_cache(cache_state: CacheState | None, index: int) -> CacheState | None:
    """What one block keeps with the cache."""
    past: CacheState | None = None if cache_state is None else cache_state.setdefault(f"block {index}", {})
    return past


def even_width(width: float) -> int:
    """The nearest width that can be rotated, at least 2."""
    return max(2, 2 * round(width / 2))


def heads_for(width: int, most: int) -> int:
    """As many heads as the backbone has, fewer where they would be too narrow or not come out even."""
    fit = [heads for heads in range(1, most + 1) if width % (2 * heads) == 0 and width // heads >= NARROWEST_HEAD]
    return max(fit, default=1)


def initialise_linear(matrix: nn.Linear, rng: torch.Generator) -> None:
    """Weights uniform within 1 / sqrt(inputs), as torch draws them, and no bias to begin with."""
    bound = matrix.in_features**-0.5
    nn.init.uniform_(matrix.weight, -bound, bound, generator=rng)
    if matrix.bias is not None:
        nn.init.zeros_(matrix.bias)
