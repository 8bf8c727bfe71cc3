"""The places where a method may act on one view of the base, without knowing its architecture.

A method registers plain functions ("hooks"). Each hook may be limited to some rows of the batch, so that one forward
serves several adapters: base beside tuned costs one pass. The sites know nothing of training.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from engine.models.families import Family, linear_roles
from engine.models.layer_calls import LayerCall
from engine.models.shape import ModelShape

F = TypeVar("F")

RowSlice = slice | None
"""Which rows of a batch a hook serves; None for all."""

CacheState = dict[str, Any]
"""What is kept beside a key/value cache, for hooks that have a past of their own."""


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
class SoftPrompt:
    """Virtual tokens in front of the text, or in the slots of a template.

    Attributes:
        vectors: Input embeddings of the virtual tokens.
        strength: Weight of the virtual tokens in the text's attention.
        shift: Whether they push the text's positions back, as peft does, or leave them at 0, 1, 2 ...
        in_slots: Whether vector i takes the place of token id -1 - i in the text instead of standing in front.
    """

    vectors: Float[Tensor, "p d"]
    strength: float
    shift: bool = False
    in_slots: bool = False


@dataclass(frozen=True, slots=True)
class Hook(Generic[F]):
    """A registered function and the rows it serves."""

    run: F
    rows: RowSlice


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


@dataclass(slots=True)
class ForwardContext:
    """Facts about the forward that is going on, for the sites: set anew by every forward of the view.

    Attributes:
        rows: Rows of the batch. Some families flatten rows and positions before their MLP; this undoes it.
        width: Virtual positions in front of every row (0: none).
        virtual: Which key positions are virtual, front or inside the text; None when none are.
        bias: Added to the scores of each key position seen from the text: log(strength) at virtual positions, else 0;
            None when all are 0.
    """

    rows: int = 0
    width: int = 0
    virtual: Bool[Tensor, "b s"] | None = None
    bias: Float[Tensor, "b s"] | None = None


@dataclass(frozen=True, slots=True)
class BackboneTrace:
    """What the backbone did in one forward, for hooks that run beside it. Positions include virtual tokens.

    Attributes:
        states: Input of the first layer, then the output of every layer: l + 1 tensors (b, t, d).
        mask: True where a token stands, the cached past included.
        cache_state: The hook's own, kept with the cache between forwards, empty at first; None without a cache.
        calls: How every layer was called.
    """

    states: list[Float[Tensor, "b t d"]]
    mask: Bool[Tensor, "b s"]
    cache_state: CacheState | None
    calls: list[LayerCall] = field(default_factory=list)


AddAttention = Callable[[Float[Tensor, "b h t k"], "AttentionSite"], Float[Tensor, "b h t k"] | None]
JoinKeys = Callable[["AttentionSite"], JoinedKeys | None]
AddInput = Callable[[Float[Tensor, "*b i"]], Float[Tensor, "*b i"] | None]
"""What to add to a module's input."""
AddOutput = Callable[[Float[Tensor, "*b i"], Float[Tensor, "*b o"]], Float[Tensor, "*b o"] | None]
"""What to add to a module's output, from its input and its output."""
Prepend = Callable[[], SoftPrompt | None]
Shift = Callable[[], int]
AddLastHidden = Callable[[Float[Tensor, "b t d"], BackboneTrace], Float[Tensor, "b t d"] | None]
"""What to add to the backbone's last hidden states."""


@dataclass(slots=True)
class AttentionSite:
    """One layer's attention. Hooks return None when they have nothing to add (strength 0).

    Attributes:
        layer: Index of the layer.
        module: The view's attention module.
        shape: Sizes of the model.
        context: The forward that is going on; shared by all sites of the view.
        scale: Factor on the scores, usually 1 / sqrt(k); set by every call of the attention.
        softcap: Scores are kept softly within it (gemma2); None where they are not. Likewise.
        adds: Hooks that add to the output.
        joins: Hooks that add keys and values.
        observers: Functions that look on; they change nothing.
    """

    layer: int
    module: nn.Module
    shape: ModelShape
    context: ForwardContext
    scale: float = 1.0
    softcap: float | None = None
    adds: list[Hook[AddAttention]] = field(default_factory=list)
    joins: list[Hook[JoinKeys]] = field(default_factory=list)
    observers: list[Callable[["AttentionSite", AttentionRecord], None]] = field(default_factory=list)

    def scores(self, query: Float[Tensor, "*b h t k"], key: Float[Tensor, "h s k"]) -> Float[Tensor, "*b h t s"]:
        """How well queries and keys match by the layer's own arithmetic, in fp32."""
        return cap_scores(query.float() @ key.float().transpose(-1, -2) * self.scale, self.softcap)

    @property
    def idle(self) -> bool:
        """Whether the frozen attention may run undisturbed."""
        return not (self.adds or self.joins or self.observers or self.context.bias is not None)

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
    """Scores kept softly within a cap, as gemma2 does it."""
    return scores if softcap is None else (scores / softcap).tanh() * softcap


class ModuleSite:
    """One frozen module of a view, usually a linear or a norm. Hooks add to what goes in or to what comes out.

    Hooks on the output run in the order in which they were registered, and each sees what those before it made of it:
    where a norm closes a sub-layer, an adapter behind it reads the tuned norm.
    """

    def __init__(self, module: nn.Module, context: ForwardContext) -> None:
        self.module = module
        self.inputs: list[Hook[AddInput]] = []
        self.outputs: list[Hook[AddOutput]] = []
        self.observers: list[Callable[[Tensor, Tensor, Tensor], None]] = []
        self.input_observers: list[Callable[[Tensor, Tensor], None]] = []
        self._context = context

    def change(self, run: AddInput, rows: RowSlice) -> None:
        """Register a hook on the input; the first one puts the hook in place."""
        if not self.inputs:
            self.module.register_forward_pre_hook(self._before)
        self.inputs.append(Hook(run, rows))

    def add(self, run: AddOutput, rows: RowSlice) -> None:
        """Register a hook on the output; the first one puts the hook in place."""
        if not self.outputs:
            self.module.register_forward_hook(self._after)
        self.outputs.append(Hook(run, rows))

    def observe(self, look: Callable[[Tensor, Tensor, Tensor], None]) -> None:
        """Register `look(input, own output, output with hooks)`."""
        if not self.outputs:
            self.add(lambda _x, _y: None, None)
        self.observers.append(look)

    def observe_input(self, look: Callable[[Tensor, Tensor], None]) -> None:
        """Register `look(input, input with hooks)`."""
        if not self.inputs:
            self.change(lambda _x: None, None)
        self.input_observers.append(look)

    def _before(self, _module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        x: Tensor = inputs[0]
        for hook in self.inputs:
            x = self._added(x, hook.rows, hook.run(self._part(inputs[0], hook.rows)))
        for observe in self.input_observers:
            observe(inputs[0], x)
        return (x, *inputs[1:])

    def _after(self, _module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        x, total = inputs[0], output
        for hook in self.outputs:
            total = self._added(total, hook.rows, hook.run(self._part(x, hook.rows), self._part(total, hook.rows)))
        for observe in self.observers:
            observe(x, output, total)
        return total

    def _part(self, x: Tensor, rows: RowSlice) -> Tensor:
        """The rows that a hook serves."""
        if rows is None:
            return x
        return x[rows] if len(x) == self._context.rows else x.unflatten(0, (self._context.rows, -1))[rows].flatten(0, 1)

    def _added(self, total: Tensor, rows: RowSlice, added: Tensor | None) -> Tensor:
        """The sum in the base's dtype; rows that the hook does not serve stay equal to the bit."""
        if added is None:
            return total
        if rows is None:
            return total + added.to(total.dtype)
        by_row = total.unflatten(
            0, (self._context.rows, -1)
        ).clone()  # (b, n, ...); n is 1 where rows are not flattened
        own = by_row[rows]
        by_row[rows] = own + added.to(total.dtype).reshape(own.shape)
        return by_row.flatten(0, 1)


@dataclass(slots=True)
class Sites:
    """All places of one view where a method may act, seen by a method that serves the given rows."""

    model: nn.Module
    attention: list[AttentionSite]
    layers: list[nn.Module]
    shape: ModelShape
    context: ForwardContext
    prepends: list[Hook[Prepend]] = field(default_factory=list)
    shifts: list[Hook[Shift]] = field(default_factory=list)
    last_hidden: list[Hook[AddLastHidden]] = field(default_factory=list)
    modules: dict[str, ModuleSite] = field(default_factory=dict)
    rows: RowSlice = None

    @property
    def needs_backbone_grad(self) -> bool:
        """Whether hooks change what happens within the backbone, so that gradients may have to go through it."""
        changed = any(site.adds or site.joins for site in self.attention)
        return bool(self.prepends) or changed or any(site.inputs or site.outputs for site in self.modules.values())

    def add_attention(self, layer: int, run: AddAttention) -> None:
        """Add `run(q, site)` to the attention output of a layer, before its output projection."""
        self.attention[layer].adds.append(Hook(run, self.rows))

    def join_keys(self, layer: int, run: JoinKeys) -> None:
        """Put `run(site)` among the keys and values of a layer's attention."""
        self.attention[layer].joins.append(Hook(run, self.rows))

    def add_linear(self, layer: int, role: str, run: AddOutput) -> None:
        """Add `run(x, y)` to the output y of a layer's linear."""
        self.linear(layer, role).add(run, self.rows)

    def add_linear_input(self, layer: int, role: str, run: AddInput) -> None:
        """Add `run(x)` to the input x of a layer's linear."""
        self.linear(layer, role).change(run, self.rows)

    def add_sublayer(self, layer: int, part: str, run: AddOutput) -> None:
        """Add `run(x, y)` to the output y of a layer's "attention" or "mlp", just before the residual sum."""
        self.sublayer(layer, part).add(run, self.rows)

    def add_norm(self, path: str, run: AddOutput) -> None:
        """Add `run(x, y)` to the output y of one of `shape.norms`."""
        self.module(path).add(run, self.rows)

    def prepend(self, run: Prepend) -> None:
        """Put `run()` in front of the text, or into the slots of a template."""
        self.prepends.append(Hook(run, self.rows))

    def shift_positions(self, run: Shift) -> None:
        """Push the text's positions back by `run()`."""
        self.shifts.append(Hook(run, self.rows))

    def add_last_hidden(self, run: AddLastHidden) -> None:
        """Add `run(h, trace)` to the backbone's last hidden states h."""
        self.last_hidden.append(Hook(run, self.rows))

    def observe_last_hidden(self, look: Callable[[Float[Tensor, "b t d"], BackboneTrace], None]) -> None:
        """Show the backbone's last hidden states to `look(h, trace)` before anything is added to them."""

        def run(h: Float[Tensor, "b t d"], trace: BackboneTrace) -> None:
            look(h, trace)

        self.last_hidden.insert(0, Hook(run, None))

    def linear(self, layer: int, role: str) -> ModuleSite:
        """The site of a layer's linear.

        Raises:
            ModelError: The family has no linear with that role.
        """
        (own,) = linear_roles(self.shape.family, (role,))
        return self.module(f"{self.shape.family.layers}.{layer}.{self.shape.family.linears[own]}")

    def sublayer(self, layer: int, part: str) -> ModuleSite:
        """The site of the last module of a layer's "attention" or "mlp"."""
        return self.module(f"{self.shape.family.layers}.{layer}.{self.shape.family.sublayers[part]}")

    def module(self, path: str) -> ModuleSite:
        """The site of any module, by its path from the model."""
        if path not in self.modules:
            self.modules[path] = ModuleSite(self.model.get_submodule(path), self.context)
        return self.modules[path]


def sites_of(model: nn.Module, shape: ModelShape) -> Sites:
    """Find all sites of a view and hang the attention sites, if it has any, on its attention modules."""
    family: Family = shape.family
    layers = list(model.get_submodule(family.layers).children())
    context = ForwardContext()
    attention = [
        AttentionSite(index, layer.get_submodule(family.attention), shape, context)
        for index, layer in enumerate(layers)
        if family.attention is not None
    ]
    for site in attention:
        site.module.gatelight_site = site  # type: ignore[assignment]
    return Sites(model, attention, layers, shape, context)
