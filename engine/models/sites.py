"""The places where a method may act on one view of the base, without knowing its architecture.

A method registers plain functions ("hooks"). Each hook may be limited to some rows of the batch, so that one forward
serves several adapters: base beside tuned costs one pass. The sites know nothing of training.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor, nn

from engine.models.attention_site import AddAttention, AttentionSite, JoinKeys
from engine.models.family import linear_roles
from engine.models.hooks import ForwardContext, Hook, RowSlice
from engine.models.layout import SoftPrompt
from engine.models.module_site import AddInput, AddOutput, ModuleSite
from engine.models.shape import ModelShape
from engine.models.trace import BackboneTrace

Prepend = Callable[[], SoftPrompt | None]
Shift = Callable[[], int]
AddLastHidden = Callable[[Float[Tensor, "b t d"], BackboneTrace], Float[Tensor, "b t d"] | None]
"""What to add to the backbone's last hidden states."""


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
    readers: list[Hook[nn.Module]] = field(default_factory=list)
    modules: dict[str, ModuleSite] = field(default_factory=dict)
    rows: RowSlice = None

    @property
    def needs_backbone_grad(self) -> bool:
        """Whether hooks change what happens within the backbone, so that gradients may have to go through it."""
        attention = any(site.output_hooks or site.key_hooks for site in self.attention)
        modules = any(site.input_hooks or site.output_hooks for site in self.modules.values())
        return bool(self.prepends) or attention or modules

    def add_attention(self, layer: int, run: AddAttention) -> None:
        """Add `run(q, site)` to the attention output of a layer, before its output projection."""
        self.attention[layer].output_hooks.append(Hook(run, self.rows))

    def join_keys(self, layer: int, run: JoinKeys) -> None:
        """Put `run(site)` among the keys and values of a layer's attention."""
        self.attention[layer].key_hooks.append(Hook(run, self.rows))

    def add_linear(self, layer: int, role: str, run: AddOutput) -> None:
        """Add `run(x, y)` to the output y of a layer's linear."""
        self.linear(layer, role).add_to_output(run, self.rows)

    def add_linear_input(self, layer: int, role: str, run: AddInput) -> None:
        """Add `run(x)` to the input x of a layer's linear."""
        self.linear(layer, role).add_to_input(run, self.rows)

    def add_sublayer(self, layer: int, part: str, run: AddOutput) -> None:
        """Add `run(x, y)` to the output y of a layer's "attention" or "mlp", just before the residual sum."""
        self.sublayer(layer, part).add_to_output(run, self.rows)

    def add_beside_mlp(self, layer: int, run: AddOutput) -> None:
        """Add `run(x, h)` to the output h of a layer's MLP, just before the residual sum; x is what the MLP reads."""
        beside = _BesideMlp(run)
        self.first_of_mlp(layer).add_to_input(beside.keep, self.rows)
        self.sublayer(layer, "mlp").add_to_output(beside.output, self.rows)

    def add_layer(self, layer: int, run: AddOutput) -> None:
        """Add `run(x, h)` to the states h that leave a whole layer."""
        self.layer(layer).add_to_output(run, self.rows)

    def add_norm(self, path: str, run: AddOutput) -> None:
        """Add `run(x, y)` to the output y of one of `shape.norms`."""
        self.module(path).add_to_output(run, self.rows)

    def prepend(self, run: Prepend) -> None:
        """Put `run()` in front of the text, or into the slots of a template."""
        self.prepends.append(Hook(run, self.rows))

    def shift_positions(self, run: Shift) -> None:
        """Push the text's positions back by `run()`."""
        self.shifts.append(Hook(run, self.rows))

    def add_last_hidden(self, run: AddLastHidden) -> None:
        """Add `run(h, trace)` to the backbone's last hidden states h."""
        self.last_hidden.append(Hook(run, self.rows))

    def read_pictures(self, module: nn.Module) -> None:
        """Call `module(pictures)` before the first layer, where a row has one; `context.read` holds what it gives.

        So it is computed once for all layers, outside of what gradient checkpointing computes again, and in cached
        decoding once for all tokens.
        """
        self.readers.append(Hook(module, self.rows))

    def observe_last_hidden(self, observer: Callable[[Float[Tensor, "b t d"], BackboneTrace], None]) -> None:
        """Show the backbone's last hidden states to `observer(h, trace)` before anything is added to them."""

        def run(h: Float[Tensor, "b t d"], trace: BackboneTrace) -> None:
            observer(h, trace)

        self.last_hidden.insert(0, Hook(run, None))

    def linear(self, layer: int, role: str) -> ModuleSite:
        """The site of a layer's linear.

        Raises:
            ModelError: The family has no linear with that role.
        """
        (linear,) = linear_roles(self.shape.family, (role,))
        return self.module(f"{self.shape.family.layers}.{layer}.{self.shape.family.linears[linear]}")

    def first_of_mlp(self, layer: int) -> ModuleSite:
        """The site of the first linear of a layer's MLP, whose input is what the MLP reads."""
        return self.linear(layer, "up")

    def sublayer(self, layer: int, part: str) -> ModuleSite:
        """The site of the last module of a layer's "attention" or "mlp"."""
        return self.module(f"{self.shape.family.layers}.{layer}.{self.shape.family.sublayers[part]}")

    def layer(self, layer: int) -> ModuleSite:
        """The site of a whole layer."""
        return self.module(f"{self.shape.family.layers}.{layer}")

    def module(self, path: str) -> ModuleSite:
        """The site of any module, by its path from the model."""
        if path not in self.modules:
            self.modules[path] = ModuleSite(self.model.get_submodule(path), self.context)
        return self.modules[path]


class _BesideMlp:
    """Keeps what an MLP reads until its output comes, within one forward of one layer."""

    def __init__(self, run: AddOutput) -> None:
        self._run = run
        self._read: Tensor | None = None

    def keep(self, x: Float[Tensor, "*b i"]) -> None:
        """What its first linear reads."""
        self._read = x

    def output(self, _x: Float[Tensor, "*b i"], h: Float[Tensor, "*b o"]) -> Float[Tensor, "*b o"] | None:
        """What is added to its output."""
        assert self._read is not None, "the last module of an MLP ran without its first"
        read, self._read = self._read, None
        return self._run(read.reshape(*h.shape[:-1], read.shape[-1]), h)  # some families flatten rows in between


def sites_of(model: nn.Module, shape: ModelShape) -> Sites:
    """Find all sites of a view and hang the attention sites, if it has any, on its attention modules."""
    family = shape.family
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
