"""LST: Ladder Side-Tuning for Parameter and Memory Efficient Transfer Learning.

Sung, Cho, Bansal. NeurIPS 2022. https://arxiv.org/abs/2206.06522

A thin transformer of width d / r stands beside the backbone. After every layer l, a linear (a rung) projects that
layer's output down, and a gate says how much of it replaces the side network's own state:

    s_0 = down_0(h_0)                                          h_0: embedded text
    s_l = block_l(mu_l s_{l-1} + (1 - mu_l) down_l(h_l))       mu_l = sigmoid(a_l / T), T = 0.1
    out = h + up(norm(s_L))

The backbone runs forward only: no gradient passes through it, so none of its activations are kept for one. That is
what the ladder is for: it trains where memory would not do for LoRA.

Differences from the paper: the ladder's result is added to the backbone's last states through an up-projection that
starts at zero, so that training starts at the base; with `residual` off, out = up(norm(s_L)) alone goes to the frozen
head, as in the paper. The side network starts from random numbers (the paper prunes the backbone's weights), has a
rung at every layer (the paper drops some), and T is a setting.

Starts at base: yes; no with `residual` off.
"""

from collections.abc import Iterator
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.init import skip_init
from typing_extensions import override

from engine.methods.base import Method, Start
from engine.methods.ladder.spec import SPEC, LadderSettings
from engine.methods.parts.side_networks import (
    EPS,
    BlockContext,
    SideBlock,
    block_cache,
    even_width,
    heads_for,
    initialise_linear,
)
from engine.models.shape import ModelShape
from engine.models.sites import Sites
from engine.models.trace import BackboneTrace
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.method_events import LadderFrame, RungFrame
from engine.telemetry.observe import ProbeInput, relative_norm, rounded
from engine.telemetry.probe_reports import RungReport


class LadderSideTuning(Method[LadderSettings]):
    """A thin network beside the backbone that reads every layer; no backward pass through the backbone."""

    spec = SPEC

    def __init__(self, settings: LadderSettings, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        width = _width(settings, shape)
        self.heads = heads_for(width, shape.h)
        self.rungs = nn.ModuleList(skip_init(nn.Linear, shape.d, width) for _ in range(shape.l + 1))
        self.gates = nn.Parameter(torch.zeros(shape.l))
        self.blocks = nn.ModuleList(SideBlock(width, self.heads) for _ in range(shape.l))
        self.norm = nn.RMSNorm(width, eps=EPS)
        self.up = skip_init(nn.Linear, width, shape.d)

    @classmethod
    @override
    def build(cls, settings: LadderSettings, shape: ModelShape, start: Start) -> Self:
        method = cls(settings, shape)
        for rung in method.rungs:
            initialise_linear(rung, start.rng)  # type: ignore[arg-type]
        for block in method.blocks:
            block.initialise(start.rng)  # type: ignore[operator]
        initialise_linear(method.up, start.rng)
        if settings.residual:
            nn.init.zeros_(method.up.weight)
        return method

    @classmethod
    @override
    def count(cls, settings: LadderSettings, shape: ModelShape) -> dict[str, int]:
        """Rungs (l + 1)(d w + w), l gates, l blocks of 12 w^2 + 2 w, a norm of w, and up w d + d."""
        w = _width(settings, shape)
        return {
            "rungs": (shape.l + 1) * (shape.d * w + w),
            "gates": shape.l,
            "blocks": shape.l * SideBlock.count(w),
            "norm": w,
            "up": w * shape.d + shape.d,
        }

    @property
    @override
    def starts_at_base(self) -> bool:
        return self.settings.residual

    @override
    def attach(self, sites: Sites) -> None:
        sites.add_last_hidden(self.finish)

    def finish(self, h: Float[Tensor, "b t d"], trace: BackboneTrace) -> Float[Tensor, "b t d"] | None:
        """What the ladder adds to the last states: s up(norm(s_L)), or s (up(norm(s_L)) - h) without the residual."""
        if self.is_off() or all(self.is_off(layer) for layer in range(self.shape.l)):
            return None
        answer: Tensor = self.up(self.norm(self.side_states(trace)[-1]))
        return self.control.strength * (answer if self.settings.residual else answer - h.float())

    def side_states(self, trace: BackboneTrace) -> list[Float[Tensor, "b t w"]]:
        """The side network's states s_0 ... s_L."""
        context = BlockContext.of(trace, self.shape, _width(self.settings, self.shape) // self.heads)
        states = [self.rungs[0](trace.states[0].detach().float())]
        for layer, block in enumerate(self.blocks):
            mixed = sum(self.mix(layer, states[-1], trace))
            states.append(block(mixed, context, block_cache(trace.cache_state, layer)))
        return states

    def mix(
        self, layer: int, state: Float[Tensor, "b t w"], trace: BackboneTrace
    ) -> tuple[Float[Tensor, "b t w"], Float[Tensor, "b t w"]]:
        """What one rung keeps and what it takes from the backbone: mu s and (1 - mu) down(h).

        In a layer that is switched off the rung is missing: all is kept.
        """
        if self.is_off(layer):
            return state, torch.zeros_like(state)
        mu = torch.sigmoid(self.gates[layer] / self.settings.temperature)
        return mu * state, (1 - mu) * self.rungs[layer + 1](trace.states[layer + 1].detach().float())

    @override
    def parameter_events(self, step: int) -> Iterator[Event]:
        grad = self.gates.grad if self.gates.grad is not None else torch.zeros_like(self.gates)
        yield LadderFrame(
            step=step,
            layers=list(range(self.shape.l)),
            kept=rounded(torch.sigmoid(self.gates / self.settings.temperature), 5),
            grad=rounded(grad, 6),
        )

    @override
    def validation_events(self, step: int, view: View, probe_input: ProbeInput) -> Iterator[Event]:
        fresh, added = self._shares(view, probe_input)
        yield RungFrame(
            step=step,
            layers=list(range(self.shape.l)),
            fresh=rounded(fresh.mean(-1)),
            added=round(float(added.mean()), 5),
        )

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> RungReport:
        fresh, added = self._shares(view, probe_input)
        return RungReport(
            tokens=probe_input.tokens, layers=list(range(self.shape.l)), fresh=rounded(fresh), added=rounded(added)
        )

    def _shares(self, view: View, probe_input: ProbeInput) -> tuple[Float[Tensor, "l t"], Float[Tensor, " t"]]:
        """Run the forward: the backbone's share of every mixed state, and |what is added| / |last states|."""
        seen: list[tuple[Tensor, Tensor]] = []

        def observe(h: Tensor, trace: BackboneTrace) -> None:
            fresh = []
            for layer, state in enumerate(self.side_states(trace)[:-1]):
                kept, taken = (part[0].norm(dim=-1) for part in self.mix(layer, state, trace))
                fresh.append(taken / (kept + taken).clamp(min=1e-12))
            added = self.finish(h, trace)
            share = relative_norm(torch.zeros_like(h[0]) if added is None else added[0], h[0])
            seen.append((torch.stack(fresh), share))

        view.sites.observe_last_hidden(observe)
        probe_input.run()
        return seen[0]


def _width(settings: LadderSettings, shape: ModelShape) -> int:
    """Width of the side network on a model."""
    return even_width(shape.d / settings.reduction)
