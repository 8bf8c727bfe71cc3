"""One layer's attention as a place where methods act: hooks add keys and values, or add to its output."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.models.hooks import ForwardContext, Hook
from engine.models.shape import ModelShape


@dataclass(frozen=True, slots=True)
class JoinedKeys:
    """Extra keys and values that share the softmax with the text.

    Attributes:
        keys: Already projected, one per key/value head; seen by every query. With a leading axis where the rows that
            the hook serves have different ones.
        values: Likewise.
        strength: Weight of the extra keys: log(strength) is added to their scores.
        excluded_heads: Query heads that do not see them.
    """

    keys: Float[Tensor, "*b g p k"]
    values: Float[Tensor, "*b g p k"]
    strength: float
    excluded_heads: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AttentionRecord:
    """What an observer sees of one attention call. Rows and positions include virtual tokens.

    Attributes:
        query: Rotated queries.
        key: Keys of text and virtual tokens, repeated to all query heads.
        value: Values, likewise.
        mask: Additive mask, 0 where visible.
        out: The attention's output, hooks included, before the output projection.
        softcap: Scores are kept softly within it; None where they are not.
    """

    query: Float[Tensor, "b h t k"]
    key: Float[Tensor, "b h s k"]
    value: Float[Tensor, "b h s k"]
    mask: Float[Tensor, "#b #h t s"]
    out: Float[Tensor, "b h t k"]
    softcap: float | None = None


AddAttention = Callable[[Float[Tensor, "b h t k"], "AttentionSite"], Float[Tensor, "b h t k"] | None]
"""What to add to the attention's output, from its queries."""
JoinKeys = Callable[["AttentionSite"], JoinedKeys | None]


@dataclass(slots=True)
class AttentionSite:
    """One layer's attention. Hooks return None when they have nothing to add (strength 0).

    Attributes:
        layer: Index of the layer.
        module: The view's attention module.
        shape: Sizes of the model.
        context: The forward that is going on; shared by all sites of the view.
        scale: Factor on the scores, usually 1 / sqrt(k); set by every call of the attention.
        softcap: Scores are kept softly within it; None where they are not. Likewise.
        output_hooks: Hooks that add to the output.
        key_hooks: Hooks that add keys and values.
        observers: Functions that look on; they change nothing.
    """

    layer: int
    module: nn.Module
    shape: ModelShape
    context: ForwardContext
    scale: float = 1.0
    softcap: float | None = None
    output_hooks: list[Hook[AddAttention]] = field(default_factory=list)
    key_hooks: list[Hook[JoinKeys]] = field(default_factory=list)
    observers: list[Callable[["AttentionSite", AttentionRecord], None]] = field(default_factory=list)

    def scores(self, query: Float[Tensor, "*b h t k"], key: Float[Tensor, "*c h s k"]) -> Float[Tensor, "*b h t s"]:
        """How well queries and keys match by the layer's own arithmetic, in fp32; keys may be the same for all rows."""
        return cap_scores(query.float() @ key.float().transpose(-1, -2) * self.scale, self.softcap)

    @property
    def idle(self) -> bool:
        """Whether the frozen attention may run undisturbed."""
        return not (self.output_hooks or self.key_hooks or self.observers or self.context.bias is not None)

    def project_keys_values(
        self, vectors: Float[Tensor, "*b p d"]
    ) -> tuple[Float[Tensor, "*b g p k"], Float[Tensor, "*b g p k"]]:
        """Keys and values of extra vectors through the layer's frozen projections, not rotated, in fp32.

        The frozen modules are called, never read, so that an 8-bit base works.
        """
        keys, values = self.shape.family.project_keys_values(self.module, vectors.to(self.compute_dtype), self.shape.k)
        return keys.float(), values.float()

    @property
    def compute_dtype(self) -> torch.dtype:
        """The dtype in which the base computes (for an 8-bit base that of its norms and embeddings)."""
        for parameter in self.module.parameters():
            if parameter.dtype.is_floating_point:
                return parameter.dtype
        return torch.get_default_dtype()

    def to_query_heads(self, x: Float[Tensor, "*b g p k"]) -> Float[Tensor, "*b h p k"]:
        """Repeat key/value heads to the query heads that share them."""
        return x.repeat_interleave(self.shape.h // self.shape.g, dim=-3)


def cap_scores(scores: Float[Tensor, "*b t s"], softcap: float | None) -> Float[Tensor, "*b t s"]:
    """Scores kept softly within a cap."""
    return scores if softcap is None else (scores / softcap).tanh() * softcap
