"""The places where a method may act on one view of the base, without knowing its architecture.

A method registers plain functions ("acts"). Each act may be limited to some rows of the batch, so that one forward
serves several adapters: base beside tuned costs one pass. The sites know nothing of training.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.models.families import Family, roles_of
from engine.models.shape import ModelShape

F = TypeVar("F")

Rows = slice | None
"""Which rows of a batch an act serves; None for all."""


@dataclass(frozen=True, slots=True)
class JoinedKeys:
    """Extra keys and values that share the softmax with the text.

    Attributes:
        keys: Already projected, one per key/value head; seen by every query.
        values: Likewise.
        strength: Weight of the extra keys: log(strength) is added to their scores.
    """

    keys: Float[Tensor, "g p k"]
    values: Float[Tensor, "g p k"]
    strength: float


@dataclass(frozen=True, slots=True)
class SoftPrompt:
    """Virtual tokens in front of the text.

    Attributes:
        vectors: Input embeddings of the virtual tokens.
        strength: Weight of the virtual tokens in the text's attention.
        shift: Whether they push the text's positions back, as peft does, or leave them at 0, 1, 2 ...
    """

    vectors: Float[Tensor, "p d"]
    strength: float
    shift: bool


@dataclass(frozen=True, slots=True)
class Act(Generic[F]):
    """A registered function and the rows it serves."""

    run: F
    rows: Rows


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What an observer sees of one attention call. Rows and positions include virtual tokens.

    Attributes:
        query: Rotated queries.
        key: Keys of text and virtual tokens, repeated to all query heads.
        value: Values, likewise.
        mask: Additive mask, 0 where visible.
        out: The attention's output, acts included, before the output projection.
    """

    query: Float[Tensor, "b h t k"]
    key: Float[Tensor, "b h s k"]
    value: Float[Tensor, "b h s k"]
    mask: Float[Tensor, "#b 1 t s"]
    out: Float[Tensor, "b h t k"]


@dataclass(slots=True)
class SoftColumns:
    """What the current forward prepended, for the attention function: set anew by every forward of the view.

    Attributes:
        width: Virtual positions in front of every row (0: none).
        log_strength: Added to the scores of the virtual positions seen from the text, per row; None when all are 0.
    """

    width: int = 0
    log_strength: Float[Tensor, " b"] | None = None


AddOutput = Callable[[Float[Tensor, "b h t k"], "AttentionSite"], Float[Tensor, "b h t k"] | None]
JoinKeys = Callable[["AttentionSite"], JoinedKeys | None]
AddLinear = Callable[[Float[Tensor, "*b i"]], Float[Tensor, "*b o"] | None]
Prepend = Callable[[], SoftPrompt | None]


@dataclass(slots=True)
class AttentionSite:
    """One layer's attention. Acts return None when they have nothing to add (strength 0).

    Attributes:
        layer: Index of the layer.
        module: The view's attention module.
        shape: Sizes of the model.
        soft: What the current forward prepended; shared by all layers of the view.
        adds: Acts that add to the output.
        joins: Acts that add keys and values.
        observers: Functions that look on; they change nothing.
    """

    layer: int
    module: nn.Module
    shape: ModelShape
    soft: SoftColumns
    adds: list[Act[AddOutput]] = field(default_factory=list)
    joins: list[Act[JoinKeys]] = field(default_factory=list)
    observers: list[Callable[["AttentionSite", Glimpse], None]] = field(default_factory=list)

    @property
    def scale(self) -> float:
        """Factor on the scores, usually 1 / sqrt(k)."""
        return float(self.module.scaling)  # type: ignore[arg-type]

    @property
    def idle(self) -> bool:
        """Whether the frozen attention may run undisturbed."""
        return not (self.adds or self.joins or self.observers or self.soft.log_strength is not None)

    def project(
        self, vectors: Float[Tensor, "*b p d"]
    ) -> tuple[Float[Tensor, "*b g p k"], Float[Tensor, "*b g p k"]]:
        """Keys and values of extra vectors through the layer's frozen projections, not rotated, in fp32.

        The frozen modules are called, never read, so that an 8-bit base works.
        """
        keys, values = self.shape.family.project(self.module, vectors.to(self.compute_dtype), self.shape.k)
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


class LinearSite:
    """One linear of one layer. Acts add to its output."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.acts: list[Act[AddLinear]] = []
        self.observers: list[Callable[[Tensor, Tensor, Tensor], None]] = []

    def add(self, run: AddLinear, rows: Rows) -> None:
        """Register an act; the first one puts the hook in place."""
        if not self.acts:
            self.module.register_forward_hook(self._hook)
        self.acts.append(Act(run, rows))

    def _hook(self, _module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        x, total = inputs[0], output
        for act in self.acts:
            if act.rows is None:
                added = act.run(x)
                total = total if added is None else total + added.to(output.dtype)
            else:
                added = act.run(x[act.rows])
                total = total if added is None else _add_rows(total, act.rows, added)
        for observe in self.observers:
            observe(x, output, total)
        return total


def _add_rows(total: Tensor, rows: slice, added: Tensor) -> Tensor:
    """A new tensor with `added` on the given rows; the others stay equal to the bit."""
    total = total.clone()
    total[rows] = total[rows] + added.to(total.dtype)
    return total


@dataclass(slots=True)
class Sites:
    """All places of one view where a method may act, seen by a method that serves the given rows."""

    attention: list[AttentionSite]
    layers: list[nn.Module]
    shape: ModelShape
    soft: SoftColumns
    prepends: list[Act[Prepend]]
    linears: dict[tuple[int, str], LinearSite]
    rows: Rows = None

    def add_output(self, layer: int, run: AddOutput) -> None:
        """Add `run(q, site)` to the attention output of a layer, before its output projection."""
        self.attention[layer].adds.append(Act(run, self.rows))

    def join_keys(self, layer: int, run: JoinKeys) -> None:
        """Put `run(site)` among the keys and values of a layer's attention."""
        self.attention[layer].joins.append(Act(run, self.rows))

    def add_linear(self, layer: int, role: str, run: AddLinear) -> None:
        """Add `run(x)` to the output of a layer's linear."""
        self.linear(layer, role).add(run, self.rows)

    def prepend(self, run: Prepend) -> None:
        """Put `run()` in front of the text."""
        self.prepends.append(Act(run, self.rows))

    def linear(self, layer: int, role: str) -> LinearSite:
        """The site of a layer's linear.

        Raises:
            ModelError: The family has no linear with that role.
        """
        (own,) = roles_of(self.shape.family, (role,))
        if (layer, own) not in self.linears:
            module = self.layers[layer].get_submodule(self.shape.family.linears[own])
            self.linears[layer, own] = LinearSite(module)
        return self.linears[layer, own]


def sites_of(model: nn.Module, shape: ModelShape) -> Sites:
    """Find all sites of a view and hang the attention sites on its attention modules."""
    family: Family = shape.family
    layers = list(model.get_submodule(family.layers).children())
    soft = SoftColumns()
    attention = [
        AttentionSite(index, layer.get_submodule(family.attention), shape, soft) for index, layer in enumerate(layers)
    ]
    for site in attention:
        site.module.gatelight_site = site  # type: ignore[assignment]
    return Sites(attention, layers, shape, soft, [], {})
