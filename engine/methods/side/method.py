"""Side-Tuning: A Baseline for Network Adaptation via Additive Side Networks.

Zhang, Sax, Zamir, Guibas, Malik. ECCV 2020. https://arxiv.org/abs/1912.13503

A small network S reads the same text as the frozen base B, and a single number alpha blends their answers:

    R = sigma(alpha) B + (1 - sigma(alpha)) S

B and S are last hidden states, so both go through the frozen head. S reads the embedded text and never sees what the
base made of it. sigma(alpha) near 1 is the base alone, near 0 the side network alone. alpha is never decayed: that
would pull the blend to one half.

S is a small transformer of its own, or copies of the base's layers. A small one starts from random numbers, or
distilled: before training it learns to give the base's own last hidden states on texts that the base writes itself.
With all layers copied, S begins as the base, and sigma(alpha) near 0 is fine-tuning.

Differences from the paper: transformers as S (the paper's are mostly convolutional), and of its ways to merge only the
blend.

Starts at base: no.
"""

from collections.abc import Iterator
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from typing_extensions import override

from engine.methods.base import Method, Start
from engine.methods.parts.copied_layers import CopiedLayers
from engine.methods.parts.distillation import distill
from engine.methods.parts.side_networks import SmallTransformer, even_width
from engine.methods.side.spec import SPEC, SideSettings
from engine.models.shape import ModelShape
from engine.models.sites import Sites
from engine.models.trace import BackboneTrace
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.method_events import BlendFrame, SideFrame
from engine.telemetry.observe import ProbeInput, relative_norm, rounded
from engine.telemetry.probe_reports import BlendReport, Network

DISTILL_RATE = 5e-3


class SideTuning(Method[SideSettings]):
    """A small network beside the base, and one number that blends the two."""

    spec = SPEC

    def __init__(self, settings: SideSettings, shape: ModelShape, start: Start) -> None:
        super().__init__(settings, shape)
        self._start = start
        self.alpha = nn.Parameter(torch.tensor(settings.alpha))
        self.net: SmallTransformer | CopiedLayers
        if settings.init == "copied":
            self.net = CopiedLayers(start.base, settings.depth(shape.l), SPEC.title)
        else:
            self.net = SmallTransformer(shape, _width(settings, shape), settings.depth(shape.l))

    @classmethod
    @override
    def build(cls, settings: SideSettings, shape: ModelShape, start: Start) -> Self:
        method = cls(settings, shape, start)
        if isinstance(method.net, SmallTransformer):
            method.net.initialise(start.rng)
        return method

    @classmethod
    @override
    def count(cls, settings: SideSettings, shape: ModelShape) -> dict[str, int]:
        """1 alpha, and the side network: see `SmallTransformer.count` and `CopiedLayers.count`."""
        depth = settings.depth(shape.l)
        copied = settings.init == "copied"
        size = (
            CopiedLayers.count(shape, depth)
            if copied
            else SmallTransformer.count(shape, _width(settings, shape), depth)
        )
        return {"alpha": 1, "net": size}

    @property
    @override
    def starts_at_base(self) -> bool:
        return False

    @override
    def warm_up(self, start: Start) -> Iterator[float]:
        if self.settings.init == "distilled":
            steps = self.settings.distill_steps
            yield from distill(start.base, self.net, self.net.parameters(), start.rng, steps, DISTILL_RATE)

    @override
    def attach(self, sites: Sites) -> None:
        sites.add_last_hidden(self.blend)

    def blend(self, base: Float[Tensor, "b t d"], trace: BackboneTrace) -> Float[Tensor, "b t d"] | None:
        """What the side network adds to the last states B: s (1 - sigma(alpha)) (S - B)."""
        if self.is_off():
            return None
        out: Float[Tensor, "b t d"] | None = (
            self.control.strength * torch.sigmoid(-self.alpha) * (self.net(trace) - base.float())
        )
        return out

    @override
    def parameter_events(self, step: int) -> Iterator[Event]:
        grad = 0.0 if self.alpha.grad is None else float(self.alpha.grad)
        yield SideFrame(step=step, base_share=round(float(self.alpha.sigmoid()), 5), grad=round(grad, 6))

    @override
    def validation_events(self, step: int, view: View, probe_input: ProbeInput) -> Iterator[Event]:
        base, side, blend = self._last_states(view, probe_input)
        next_of_base, next_of_side, next_of_blend = (_next_ids(view, states) for states in (base, side, blend))
        yield BlendFrame(
            step=step,
            ratio=round(float(relative_norm(side, base).mean()), 5),
            cosine=round(float(nn.functional.cosine_similarity(side, base, dim=-1).mean()), 5),
            base=round(float((next_of_base == next_of_blend).float().mean()), 4),
            side=round(float((next_of_side == next_of_blend).float().mean()), 4),
        )

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> BlendReport:
        base, side, blend = self._last_states(view, probe_input)
        return BlendReport(
            tokens=probe_input.tokens,
            ratio=rounded(relative_norm(side, base)),
            cosine=rounded(nn.functional.cosine_similarity(side, base, dim=-1)),
            next=self._next_tokens(view, {"base": base, "side": side, "blend": blend}),
        )

    def _next_tokens(self, view: View, states: dict[Network, Float[Tensor, "t d"]]) -> dict[Network, list[str]] | None:
        """The likeliest next token after each token, by network; None for a picture, whose patches have none."""
        if not view.shape.family.reads_text:
            return None
        return {
            network: [self._start.words(int(token)) for token in _next_ids(view, last)]
            for network, last in states.items()
        }

    def _last_states(self, view: View, probe_input: ProbeInput) -> list[Float[Tensor, "t d"]]:
        """Last hidden states of base, side network and their blend, after the forward that this runs."""
        seen: list[Tensor] = []

        def observe(base: Tensor, trace: BackboneTrace) -> None:
            added = self.blend(base, trace)
            base = base.float()
            seen.extend((base[0], self.net(trace)[0], base[0] if added is None else (base + added)[0]))

        view.sites.observe_last_hidden(observe)
        probe_input.run()
        return seen


def _width(settings: SideSettings, shape: ModelShape) -> int:
    """Width of a small side network on a model."""
    return even_width(settings.width or shape.d / 2)


def _next_ids(view: View, states: Float[Tensor, "t d"]) -> Int[Tensor, " t"]:
    """The likeliest next token after each token."""
    return view.head(states.to(view.model.dtype)).argmax(-1)
