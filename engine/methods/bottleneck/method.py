"""Adapter tuning: Parameter-Efficient Transfer Learning for NLP.

Houlsby, Giurgiu, Jastrzebski, Morrone, de Laroussilhe, Gesmundo, Attariyan, Gelly. ICML 2019.
https://arxiv.org/abs/1902.00751

After each sub-layer, attention and MLP, and before its residual sum, its output h goes through a bottleneck that has
a residual connection of its own (section 2.1):

    h' = h + W_up phi(W_down h + b_down) + b_up        W_down: (m, d), W_up: (d, m)

phi is GELU. W_down and W_up start near zero (normal with std 1e-3, cut at two of them), biases at zero, so that the
start is nearly the identity. All norms train too, as offsets on their frozen gain and bias; a task head belongs to
the run and trains with any method.

Differences from the paper: none with preset `paper` on a model of BERT-base's width, where m = d / 12 = 64 (the paper
has std 1e-2, the authors' code 1e-3; any width may be set). As options: only the adapter after the MLP (Pfeiffer et
al. 2021, in this place), adapters in some layers only (AutoPEFT), other activations and starts, frozen norms;
AdapterHub's defaults are a preset. A parallel adapter (He et al., Towards a Unified View of Parameter-Efficient
Transfer Learning, ICLR 2022, https://arxiv.org/abs/2110.04366), alone or beside the others, reads the input x of the
MLP, where the model has a norm before it the normed one, and adds to the MLP's output h:

    h' = h + s (W_up phi(W_down x + b_down) + b_up)

with s = 4 and ReLU as preset `parallel`; the start is that of the others, where the authors' is LoRA's. In a layer
that is switched off the norms, too, are the base's again; the paper's ablation takes out only the adapters.

Starts at base: no, but very near: the logits differ from the base's by about 1e-5 of their size.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import skip_init
from typing_extensions import override

from engine.methods.base import Method, Start
from engine.methods.bottleneck.spec import PARALLEL, SPEC, BottleneckSettings
from engine.methods.layers import chosen_layers
from engine.methods.parts.activation_changes import Changes, change_report
from engine.methods.parts.activations import ACTIVATIONS
from engine.methods.parts.tuned_norms import TunedNorms
from engine.models.shape import ModelShape
from engine.models.sites import Sites
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.method_events import AdapterFrame
from engine.telemetry.observe import ProbeInput, relative_norm
from engine.telemetry.probe_reports import ChangeReport


class Bottleneck(Method[BottleneckSettings]):
    """Bottlenecks with a residual connection after the sub-layers."""

    spec = SPEC

    def __init__(self, settings: BottleneckSettings, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        self.down, self.up = nn.ModuleDict(), nn.ModuleDict()
        self.layers = chosen_layers(settings.layers, shape.l)
        for layer, part in self._places():
            m = settings.units(part, shape.d)
            self.down[f"{layer}_{part}"] = skip_init(nn.Linear, shape.d, m, dtype=torch.float32)
            self.up[f"{layer}_{part}"] = skip_init(nn.Linear, m, shape.d, dtype=torch.float32)
        self.norms = TunedNorms(shape) if settings.norms else None

    @classmethod
    @override
    def build(cls, settings: BottleneckSettings, shape: ModelShape, start: Start) -> Self:
        method, std = cls(settings, shape), settings.init_std
        for matrix in (*method.down.values(), *method.up.values()):
            assert isinstance(matrix, nn.Linear)
            nn.init.zeros_(matrix.bias)
            if settings.init == "truncated":
                nn.init.trunc_normal_(matrix.weight, std=std, a=-2 * std, b=2 * std, generator=start.rng)
            else:
                nn.init.normal_(matrix.weight, std=std, generator=start.rng)
        return method

    @classmethod
    @override
    def count(cls, settings: BottleneckSettings, shape: ModelShape) -> dict[str, int]:
        """2 m d + m + d for every adapter, and d or 2 d for every norm."""
        layers = len(chosen_layers(settings.layers, shape.l))
        widths = [settings.units(part, shape.d) for part in settings.parts]
        counts = {
            "down": layers * sum(m * shape.d + m for m in widths),
            "up": layers * sum(m * shape.d + shape.d for m in widths),
        }
        if settings.norms:
            counts["norms"] = TunedNorms.count(shape)
        return counts

    @property
    @override
    def starts_at_base(self) -> bool:
        return False

    @override
    def attach(self, sites: Sites) -> None:
        if self.norms is not None:  # first: where a norm closes a sub-layer, the adapter reads the tuned one
            self.norms.attach(sites, self)
        for layer, part in self._places():
            if part == PARALLEL:
                sites.add_beside_mlp(layer, partial(self._parallel_output, layer))
            else:
                sites.add_sublayer(layer, part, partial(self._serial_output, layer, part))

    def _serial_output(
        self, layer: int, part: str, _x: Float[Tensor, "*b i"], h: Float[Tensor, "*b d"]
    ) -> Float[Tensor, "*b d"] | None:
        return self.adapter_output(layer, part, h)

    def _parallel_output(
        self, layer: int, x: Float[Tensor, "*b d"], _h: Float[Tensor, "*b d"]
    ) -> Float[Tensor, "*b d"] | None:
        return self.adapter_output(layer, PARALLEL, x)

    def adapter_output(self, layer: int, part: str, h: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"] | None:
        """What one adapter that reads h adds: W_up phi(W_down h + b_down) + b_up, times strength and its factor."""
        if self.is_off(layer):
            return None
        key = f"{layer}_{part}"
        units = ACTIVATIONS[self.settings.activation](self.down[key](h.float()))
        factor = self.control.strength * (self.settings.scaling if part == PARALLEL else 1.0)
        out: Float[Tensor, "*b d"] | None = factor * self.up[key](units)
        return out

    def _places(self) -> list[tuple[int, str]]:
        return [(layer, part) for layer in self.layers for part in self.settings.parts]

    @override
    def parameter_events(self, step: int) -> Iterator[Event]:
        if self.norms is not None:
            yield self.norms.frame(step)

    @override
    def validation_events(self, step: int, view: View, probe_input: ProbeInput) -> Iterator[Event]:
        seen: dict[tuple[int, str], tuple[float, float]] = {}

        def observe(layer: int, part: str, read: Tensor, h: Tensor, added: Tensor) -> None:
            asleep = (self.down[f"{layer}_{part}"](read.float()) <= 0).all(dim=0).float().mean()
            seen[layer, part] = round(float(relative_norm(added, h).mean()), 6), round(float(asleep), 4)

        self._run_observed(view, probe_input, observe)
        parts, layers = self.settings.parts, self.layers
        yield AdapterFrame(
            step=step,
            layers=list(layers),
            parts=list(parts),
            share=[[seen[layer, part][0] for part in parts] for layer in layers],
            asleep=[[seen[layer, part][1] for part in parts] for layer in layers],
        )

    def _run_observed(
        self, view: View, probe_input: ProbeInput, observe: Callable[[int, str, Tensor, Tensor, Tensor], None]
    ) -> None:
        """Run the forward and show `observe(layer, part, read, h, added)` of each adapter, (t, d) each.

        What it reads, the sub-layer's output, and what it adds to that; but for a parallel adapter the first two are
        the same.
        """
        read_by_mlp: dict[int, Tensor] = {}

        def keep(layer: int, x: Tensor, _total: Tensor) -> None:
            read_by_mlp[layer] = x

        def of_sublayer(layer: int, part: str, x: Tensor, frozen: Tensor, _total: Tensor) -> None:
            h = frozen.flatten(0, -2)
            path = f"{self.shape.family.layers}.{layer}.{self.shape.family.sublayers[place(part)]}"
            if self.norms is not None and path in self.shape.norms:
                tuned = self.norms.act(self, path, x.flatten(0, -2), h)
                h = h if tuned is None else h + tuned
            read = read_by_mlp[layer].flatten(0, -2) if part == PARALLEL else h
            added = self.adapter_output(layer, part, read)
            observe(layer, part, read, h, torch.zeros_like(h) if added is None else added)

        for layer, part in self._places():
            if part == PARALLEL:
                view.sites.first_of_mlp(layer).observe_input(partial(keep, layer))
            view.sites.sublayer(layer, place(part)).observe(partial(of_sublayer, layer, part))
        probe_input.run()

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> ChangeReport:
        changes: Changes = {}

        def observe(layer: int, part: str, _read: Tensor, h: Tensor, added: Tensor) -> None:
            changes[layer, part] = relative_norm(added, h)

        self._run_observed(view, probe_input, observe)
        return change_report(changes, probe_input)


def place(part: str) -> str:
    """The sub-layer to whose output the adapter of a part adds."""
    return "mlp" if part == PARALLEL else part
