"""LoRA: Low-Rank Adaptation of Large Language Models.

Hu, Shen, Wallis, Allen-Zhu, Li, Wang, Wang, Chen. ICLR 2022. https://arxiv.org/abs/2106.09685

A frozen linear W gets a low-rank companion:

    y = W x + (alpha / r) B A x        A: (r, inputs), B: (outputs, r)

A starts random (Kaiming uniform, as in the authors' code and HF peft), B at zero.

Options, each as HF peft has it:

    rslora        alpha / sqrt(r) (rank-stabilised LoRA, Kalajdzievski 2023)
    dora          W + dW keeps a trained length m for each row (Liu et al. 2024, https://arxiv.org/abs/2402.09353):
                  m (W + dW) / |W + dW|, with m = |W| at the start and no gradient through |W + dW|
    init          the first A and B from W (PiSSA, OLoRA; see `starts`), and training on W less that start. W itself
                  stays as it is for everybody else: the update is dW = scale (B A - B_0 A_0), computed as
                  scale ((B - B_0) A + B_0 (A - A_0)), exactly zero at the start. Folded it is a plain LoRA of twice the
                  rank, which is what files hold and what HF peft loads
    loraplus      a rate for B that is a multiple of A's (LoRA+, Hayou et al. 2024, https://arxiv.org/abs/2402.12354)
    layers, rank_pattern, alpha_pattern        see `places`

Differences from the papers: dropout acts on the whole update, with PiSSA and OLoRA on the difference to the start.
Where a family fuses q, k and v into one linear (gpt2, gpt_neox), the update acts on the fused linear, as HF peft does.

On models wider than the embedded one the usual rate falls with the width.

Starts at base: yes.
"""

import math
from collections.abc import Iterator
from functools import partial
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from engine.methods.base import Method, Start
from engine.methods.lora.places import Place, places_of
from engine.methods.lora.spec import FROM_WEIGHTS, SPEC, LoraSettings
from engine.methods.lora.starts import principal
from engine.methods.parts.activation_changes import Observed, change_report, relative_changes
from engine.methods.parts.dense_weights import dense_weight
from engine.methods.parts.masking import readable_weight
from engine.models.base import Base
from engine.models.shape import ModelShape
from engine.models.shards import weight_norm
from engine.models.sites import Sites
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.method_events import UpdateFrame
from engine.telemetry.observe import ProbeInput
from engine.telemetry.probe_reports import ChangeReport

Pair = tuple[Float[Tensor, "r i"], Float[Tensor, "o r"]]


class Lora(Method[LoraSettings]):
    """Low-rank updates beside frozen linears."""

    spec = SPEC

    def __init__(self, settings: LoraSettings, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        self.places = places_of(settings, shape)
        self.a = nn.ParameterDict()
        self.b = nn.ParameterDict()
        self.magnitudes = nn.ParameterDict()
        self.starts: nn.Module | None = nn.Module() if settings.init in FROM_WEIGHTS else None
        """A_0 and B_0 of every update, until folding."""
        for place in self.places:
            inputs, outputs = shape.linears[place.role]
            self.a[place.key] = nn.Parameter(torch.zeros(place.rank, inputs))
            self.b[place.key] = nn.Parameter(torch.zeros(outputs, place.rank))
            if settings.dora:
                self.magnitudes[place.key] = nn.Parameter(torch.ones(outputs))
            if self.starts is not None:
                self.starts.register_buffer(f"a_{place.key}", torch.zeros(place.rank, inputs))
                self.starts.register_buffer(f"b_{place.key}", torch.zeros(outputs, place.rank))
        self._weight_norms: dict[str, float] = {}

    @classmethod
    @override
    def build(cls, settings: LoraSettings, shape: ModelShape, start: Start) -> Self:
        method = cls(settings, shape)
        with torch.no_grad():
            for place in method.places:
                a = method.a[place.key]
                if settings.init == "gaussian":
                    a.normal_(0, 1 / place.rank, generator=start.rng)
                else:
                    bound = 1 / math.sqrt(a.shape[1])  # kaiming_uniform with a = sqrt(5)
                    a.uniform_(-bound, bound, generator=start.rng)
                if settings.init in FROM_WEIGHTS:
                    readable_weight(start.base, place.layer, place.role, f"{SPEC.title} ({settings.init})")
                if settings.dora:
                    method.magnitudes[place.key].copy_(dense_weight(_linear(start.base, place)).norm(dim=1))
        return method

    @classmethod
    @override
    def count(cls, settings: LoraSettings, shape: ModelShape) -> dict[str, int]:
        """R (inputs + outputs) for every updated linear, and with DoRA one number for every output."""
        sizes = [(place.rank, *shape.linears[place.role]) for place in places_of(settings, shape)]
        counts = {
            "a": sum(rank * inputs for rank, inputs, _ in sizes),
            "b": sum(rank * outputs for rank, _, outputs in sizes),
        }
        return {**counts, "magnitudes": sum(outputs for *_, outputs in sizes)} if settings.dora else counts

    @property
    @override
    def starts_at_base(self) -> bool:
        return True

    @override
    def warm_up(self, start: Start) -> Iterator[float]:
        """Take A and B from the frozen weights, where `init` says so: a decomposition for every linear."""
        if self.starts is None:
            return
        for number, place in enumerate(self.places):
            yield number / len(self.places)
            weight = dense_weight(_linear(start.base, place))
            a, b = principal(self.settings.init, weight, place.rank, place.scale)
            for name, values, parameter in (("a", a, self.a[place.key]), ("b", b, self.b[place.key])):
                parameter.data.copy_(values)
                getattr(self.starts, f"{name}_{place.key}").copy_(values)

    @override
    def attach(self, sites: Sites) -> None:
        for place in self.places:
            linear = sites.linear(place.layer, place.role).module
            sites.add_linear(place.layer, place.role, partial(self.update, place, linear))
            if (norm := weight_norm(linear)) is not None:
                self._weight_norms[place.key] = norm

    def pair(self, key: str) -> Pair:
        """A and B of an update, those of its difference to the start where it has one (of twice the rank)."""
        a, b = self.a[key], self.b[key]
        if self.starts is None:
            return a, b
        a_0, b_0 = getattr(self.starts, f"a_{key}"), getattr(self.starts, f"b_{key}")
        return torch.cat([a, a - a_0]), torch.cat([b - b_0, b_0], dim=1)

    def update(
        self, place: Place, linear: nn.Module, x: Float[Tensor, "*b i"], y: Float[Tensor, "*b o"]
    ) -> Float[Tensor, "*b o"] | None:
        """S scale B A x, with DoRA also what the new lengths change; None where it is off."""
        if self.is_off(place.layer):
            return None
        a, b = self.pair(place.key)
        dropped = nn.functional.dropout(x.to(a.dtype), self.settings.dropout, self.training)
        change = nn.functional.linear(nn.functional.linear(dropped, a), b) * place.scale
        if self.settings.dora:
            factor = self.magnitudes[place.key] / _row_lengths(linear, a, b * place.scale)
            bias = getattr(linear, "bias", None)
            change = factor * change + (factor - 1) * (y if bias is None else y - bias).to(a.dtype)
        return change * self.control.strength

    @override
    @torch.no_grad()
    def fold(self) -> None:
        """A start is written into A and B, which then have twice the rank."""
        if self.starts is not None:
            pairs = {place.key: self.pair(place.key) for place in self.places}
            self.starts = None
            for key, (a, b) in pairs.items():
                self.a[key], self.b[key] = nn.Parameter(a), nn.Parameter(b)

    @override
    def parameter_events(self, step: int) -> Iterator[Event]:
        by_key = {place.key: place for place in self.places}
        layers, roles = self._grid()

        def ratio(key: str) -> float:
            # |B A|_F from the two small Gram matrices: the product itself would be as large as W.
            if key not in by_key:
                return 0.0
            a, b = (half.detach().double() for half in self.pair(key))
            squared = ((b.T @ b) * (a @ a.T)).sum().clamp(min=0)
            return round(by_key[key].scale * float(squared.sqrt()) / self._weight_norms.get(key, 1.0), 6)

        yield UpdateFrame(
            step=step,
            layers=layers,
            targets=roles,
            ratio=[[ratio(f"{layer}_{role}") for role in roles] for layer in layers],
        )

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> ChangeReport:
        layers, roles = self._grid()
        observed = {(layer, role): Observed(view.sites.linear(layer, role)) for layer in layers for role in roles}
        return change_report(relative_changes(observed, probe_input), probe_input)

    def _grid(self) -> tuple[list[int], list[str]]:
        """The layers and the linears that telemetry tells of; one that a pattern leaves out changes by 0."""
        return sorted({place.layer for place in self.places}), list(dict.fromkeys(place.role for place in self.places))


def _linear(base: Base, place: Place) -> nn.Module:
    family = base.shape.family
    return base.model.get_submodule(f"{family.layers}.{place.layer}.{family.linears[place.role]}")


@torch.no_grad()
def _row_lengths(linear: nn.Module, a: Float[Tensor, "r i"], b: Float[Tensor, "o r"]) -> Float[Tensor, "o"]:
    """|W + B A| of every row; no gradient goes through it (section 4.3 of the paper)."""
    out: Tensor = (dense_weight(linear) + b @ a).norm(dim=1)
    return out
