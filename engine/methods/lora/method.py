"""LoRA: Low-Rank Adaptation of Large Language Models.

Hu, Shen, Wallis, Allen-Zhu, Li, Wang, Wang, Chen. ICLR 2022. https://arxiv.org/abs/2106.09685

A frozen linear W gets a low-rank companion:

    y = W x + (alpha / r) B A x        A: (r, inputs), B: (outputs, r)

A starts random (Kaiming uniform, as in the authors' code and HF peft), B at zero.

Differences from the paper: as an option alpha / sqrt(r) (rank-stabilised LoRA, Kalajdzievski 2023). Where a family
fuses q, k and v into one linear (gpt2, gpt_neox), the update acts on the fused linear, as HF peft does.

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
from engine.methods.lora.spec import SPEC, LoraSettings
from engine.methods.parts.activation_changes import Observed, change_report, relative_changes
from engine.models.family import linear_roles
from engine.models.shape import ModelShape
from engine.models.sites import Sites
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.method_events import UpdateFrame
from engine.telemetry.observe import ProbeInput
from engine.telemetry.probe_reports import ChangeReport


class Lora(Method[LoraSettings]):
    """Low-rank updates beside frozen linears."""

    spec = SPEC

    def __init__(self, settings: LoraSettings, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        self.roles = linear_roles(shape.family, tuple(settings.targets.split()))
        self.a = nn.ParameterDict()
        self.b = nn.ParameterDict()
        for layer in range(shape.l):
            for role in self.roles:
                inputs, outputs = shape.linears[role]
                self.a[f"{layer}_{role}"] = nn.Parameter(torch.zeros(settings.rank, inputs))
                self.b[f"{layer}_{role}"] = nn.Parameter(torch.zeros(outputs, settings.rank))
        self._weight_norms: dict[str, float] = {}

    @classmethod
    @override
    def build(cls, settings: LoraSettings, shape: ModelShape, start: Start) -> Self:
        method = cls(settings, shape)
        with torch.no_grad():
            for a in method.a.values():
                bound = 1 / math.sqrt(a.shape[1])  # kaiming_uniform with a = sqrt(5)
                a.uniform_(-bound, bound, generator=start.rng)
        return method

    @classmethod
    @override
    def count(cls, settings: LoraSettings, shape: ModelShape) -> dict[str, int]:
        """R (inputs + outputs) for every target of every layer."""
        sizes = [shape.linears[role] for role in linear_roles(shape.family, tuple(settings.targets.split()))]
        return {
            "a": shape.l * settings.rank * sum(inputs for inputs, _ in sizes),
            "b": shape.l * settings.rank * sum(outputs for _, outputs in sizes),
        }

    @property
    @override
    def starts_at_base(self) -> bool:
        return True

    @override
    def attach(self, sites: Sites) -> None:
        for layer in range(self.shape.l):
            for role in self.roles:
                sites.add_linear(layer, role, partial(self.update, f"{layer}_{role}"))
                weight = getattr(sites.linear(layer, role).module, "weight", None)
                if weight is not None and weight.dtype.is_floating_point:
                    self._weight_norms[f"{layer}_{role}"] = float(weight.detach().float().norm())

    def update(self, key: str, x: Float[Tensor, "*b i"], _y: Float[Tensor, "*b o"]) -> Float[Tensor, "*b o"] | None:
        """S (alpha / r) B A x; None where it is off."""
        if self.is_off(int(key.split("_")[0])):
            return None
        a, b = self.a[key], self.b[key]
        x = nn.functional.dropout(x.to(a.dtype), self.settings.dropout, self.training)
        return nn.functional.linear(nn.functional.linear(x, a), b) * (self.control.strength * self.settings.scale)

    @override
    def parameter_events(self, step: int) -> Iterator[Event]:
        def ratio(key: str) -> float:
            # |B A|_F from the two small Gram matrices: the product itself would be as large as W.
            a, b = self.a[key].detach(), self.b[key].detach()
            squared = ((b.T @ b) * (a @ a.T)).sum().clamp(min=0)
            return round(self.settings.scale * float(squared.sqrt()) / self._weight_norms.get(key, 1.0), 6)

        yield UpdateFrame(
            step=step,
            layers=list(range(self.shape.l)),
            targets=list(self.roles),
            ratio=[[ratio(f"{layer}_{role}") for role in self.roles] for layer in range(self.shape.l)],
        )

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> ChangeReport:
        observed = {
            (layer, role): Observed(view.sites.linear(layer, role))
            for layer in range(self.shape.l)
            for role in self.roles
        }
        return change_report(relative_changes(observed, probe_input), probe_input)
