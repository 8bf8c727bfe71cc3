"""AdaLoRA: Adaptive Budget Allocation for Parameter-Efficient Fine-Tuning.

Zhang, Chen, Bukharin, Karampatziakis, He, Cheng, Chen, Zhao. ICLR 2023. https://arxiv.org/abs/2303.10512

A low-rank update in the form of a singular value decomposition, whose rank each matrix earns in training:

    y = W x + (alpha / r) P (lambda * Q x)        Q: (r, inputs), lambda: (r), P: (outputs, r)

Training starts with rank r everywhere. Between `start_share` and the last `end_share` of the steps the number of
triplets of all matrices together falls by a cubic curve to `target_rank` times the number of matrices: once in `every`
steps the lambdas of the least important triplets are set to zero (see `allocation`), wherever they are. In between they
may grow again; in the last phase they stay zero. A penalty, the mean of |P^T P - I| and |Q Q^T - I| (Frobenius) over
all matrices, keeps the directions at right angles; the loss that is shown is without it.

Differences from the paper: none known. Steps count from 1, as `update_and_allocate` of HF peft is called after them;
r in the scale is the rank at the start, and peft adds 1e-5 to it, as is done here.

Starts at base: yes (lambda is zero).
"""

from collections.abc import Iterator
from functools import partial
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from engine.methods.adalora.allocation import Importance, budget, kept
from engine.methods.adalora.spec import SPEC, AdaLoraSettings
from engine.methods.base import Method, Start
from engine.methods.parts.activation_changes import Observed, change_report, relative_changes
from engine.models.family import targeted_linears
from engine.models.shape import ModelShape
from engine.models.shards import weight_norm
from engine.models.sites import Sites
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.method_events import RankFrame, UpdateFrame
from engine.telemetry.observe import ProbeInput
from engine.telemetry.probe_reports import ChangeReport

STD = 0.02
"""Of the first P and Q, as in the authors' code and HF peft."""


class AdaLora(Method[AdaLoraSettings]):
    """Low-rank updates whose ranks are allotted by importance."""

    spec = SPEC

    def __init__(self, settings: AdaLoraSettings, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        self.roles = targeted_linears(shape.family, settings.targets)
        self.q, self.e, self.p = nn.ParameterDict(), nn.ParameterDict(), nn.ParameterDict()
        self.kept = nn.Module()
        """Which triplets of each matrix the last cut has left, as numbers 0 and 1; until folding."""
        for layer in range(shape.l):
            for role in self.roles:
                key, (inputs, outputs) = f"{layer}_{role}", shape.linears[role]
                self.q[key] = nn.Parameter(torch.zeros(settings.rank, inputs))
                self.e[key] = nn.Parameter(torch.zeros(settings.rank))
                self.p[key] = nn.Parameter(torch.zeros(outputs, settings.rank))
                self.kept.register_buffer(key, torch.ones(settings.rank, dtype=torch.uint8))
        self.importance: Importance | None = Importance(self._parts())
        self._weight_norms: dict[str, float] = {}

    @classmethod
    @override
    def build(cls, settings: AdaLoraSettings, shape: ModelShape, start: Start) -> Self:
        method = cls(settings, shape)
        with torch.no_grad():
            for key in method.e:
                method.q[key].normal_(0, STD, generator=start.rng)
                method.p[key].normal_(0, STD, generator=start.rng)
        return method

    @classmethod
    @override
    def count(cls, settings: AdaLoraSettings, shape: ModelShape) -> dict[str, int]:
        """R (inputs + 1 + outputs) for every target of every layer, before ranks are taken away."""
        sizes = [shape.linears[role] for role in targeted_linears(shape.family, settings.targets)]
        each = shape.l * settings.rank
        return {
            "q": each * sum(inputs for inputs, _ in sizes),
            "e": each * len(sizes),
            "p": each * sum(outputs for _, outputs in sizes),
        }

    @property
    @override
    def starts_at_base(self) -> bool:
        return True

    @property
    def scale(self) -> float:
        """The factor on P (lambda * Q x)."""
        return self.settings.alpha / (self.settings.rank + 1e-5)

    def _parts(self) -> dict[str, nn.Parameter]:
        """All parameters by part and matrix: "q_3_up"."""
        groups = (("q", self.q), ("e", self.e), ("p", self.p))
        return {f"{name}_{key}": parameter for name, group in groups for key, parameter in group.items()}

    @override
    def attach(self, sites: Sites) -> None:
        for layer in range(self.shape.l):
            for role in self.roles:
                sites.add_linear(layer, role, partial(self.update, f"{layer}_{role}"))
                if (norm := weight_norm(sites.linear(layer, role).module)) is not None:
                    self._weight_norms[f"{layer}_{role}"] = norm

    def update(self, key: str, x: Float[Tensor, "*b i"], _y: Float[Tensor, "*b o"]) -> Float[Tensor, "*b o"] | None:
        """S scale P (lambda * Q x); None where it is off."""
        if self.is_off(int(key.split("_")[0])):
            return None
        x = nn.functional.dropout(x.to(self.q[key].dtype), self.settings.dropout, self.training)
        units = nn.functional.linear(x, self.q[key]) * self.e[key]
        return nn.functional.linear(units, self.p[key]) * (self.control.strength * self.scale)

    @override
    def penalty(self) -> Float[Tensor, ""] | None:
        if self.settings.orthogonality == 0:
            return None
        grams = [q @ q.T for q in self.q.values()] + [p.T @ p for p in self.p.values()]
        eye = torch.eye(self.settings.rank, device=grams[0].device)
        return self.settings.orthogonality * torch.stack([(gram - eye).norm() for gram in grams]).mean()

    @override
    @torch.no_grad()
    def after_update(self, step: int, steps: int) -> None:
        """Follow the importance of all triplets, and take some away when it is time."""
        assert self.importance is not None, "only a folded method has no importance"
        first, last = round(self.settings.start_share * steps), steps - round(self.settings.end_share * steps)
        if step < last:
            beta = self.settings.beta_sensitivity, self.settings.beta_uncertainty
            for name, parameter in self._parts().items():
                self.importance.follow(name, parameter, beta)
        if step == last or (first < step < last and step % self.settings.every == 0):
            scores = {key: self.importance.triplets(key) for key in self.e}
            count = len(scores)
            allowed = budget(
                step, first=first, last=last, start=self.settings.rank * count, end=self.settings.target_rank * count
            )
            for key, mask in kept(scores, allowed).items():
                self._kept(key).copy_(mask)
                self.e[key].mul_(mask)
        elif step > last:
            for key in self.e:
                self.e[key].mul_(self._kept(key))

    def _kept(self, key: str) -> Tensor:
        mask: Tensor = getattr(self.kept, key)
        return mask

    @override
    def fold(self) -> None:
        """What counts importance is dropped."""
        self.importance = None
        self.kept = nn.Module()

    @override
    def parameter_events(self, step: int) -> Iterator[Event]:
        layers, roles = list(range(self.shape.l)), list(self.roles)
        keys = [[f"{layer}_{role}" for role in roles] for layer in layers]
        ranks = [[float(self._kept(key).sum()) for key in row] for row in keys]
        yield RankFrame(
            step=step, layers=layers, targets=roles, ranks=ranks, mean=sum(map(sum, ranks)) / (len(layers) * len(roles))
        )
        yield UpdateFrame(
            step=step, layers=layers, targets=roles, ratio=[[self._ratio(key) for key in row] for row in keys]
        )

    def _ratio(self, key: str) -> float:
        """|scale P lambda Q| / |W| from small Gram matrices."""
        q = self.q[key].detach() * self.e[key].detach()[:, None]
        squared = ((self.p[key].detach().T @ self.p[key].detach()) * (q @ q.T)).sum().clamp(min=0)
        return round(self.scale * float(squared.sqrt()) / self._weight_norms.get(key, 1.0), 6)

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> ChangeReport:
        observed = {
            (layer, role): Observed(view.sites.linear(layer, role))
            for layer in range(self.shape.l)
            for role in self.roles
        }
        return change_report(relative_changes(observed, probe_input), probe_input)
