"""Masking as an Efficient Alternative to Finetuning for Pretrained Language Models.

Zhao, Lin, Mi, Jaggi, Schütze. EMNLP 2020. https://arxiv.org/abs/2004.12406

No weight changes its value; tuning only learns which ones to switch off. Every frozen weight has a real score M, and
is used while its score lies above a threshold:

    W' = W * 1[M > tau]                   tau = 0.01

The step has no slope, so its gradient is handed straight through, as if it were the identity:

    dL/dM = dL/dW' * W

Scores start uniform between -a and s, where s = (a + tau) / p - a makes a share p of them lie below tau, so training
starts with that share switched off. An adapter is one bit per weight, packed row by row into bytes; scores are needed
for training only.

W' is reached through its difference to W, so that the dial works: W + s (W' - W) is the base at s = 0.

Differences from the paper: with p = 0 all scores start above tau (between tau and the s of p = 0.05), so training
starts at the base. As an option the smallest weights get the lowest scores. The pooler and the task head of BERT are
not masked; a task head is trained as it is. Weights that are fused in a family (gpt2, gpt_neox) are masked together.

Starts at base: only with p = 0.
"""

from collections.abc import Iterator
from functools import partial
from typing import Self

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn
from typing_extensions import override

from engine.core.errors import ExchangeError, RunError
from engine.methods.base import Method, Start
from engine.methods.checks import need_layers
from engine.methods.mask.spec import EVERY, SPEC, MaskSettings
from engine.methods.parts.activation_changes import Observed, change_report, relative_changes
from engine.methods.parts.masking import StraightThrough, frozen_weight, pack, readable_weight, unpack
from engine.models.family import linear_roles
from engine.models.shape import ModelShape
from engine.models.sites import Sites
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.method_events import MaskFrame
from engine.telemetry.observe import ProbeInput, rounded
from engine.telemetry.probe_reports import ChangeReport

BINS = 40
SAMPLED = 50_000
"""Scores that a histogram counts, evenly taken from all: more would cost time in every frame."""


class MaskTuning(Method[MaskSettings]):
    """Learned binary masks over frozen weights."""

    spec = SPEC

    def __init__(self, settings: MaskSettings, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        self.places = masked_linears(settings, shape)
        self.scores: nn.ParameterDict | None = nn.ParameterDict()
        self.masks = nn.Module()
        """Packed bits: those of a folded adapter, or else those that training started with (never in adapter files)."""
        for layer, role in self.places:
            inputs, outputs = shape.linears[role]
            self.scores[_key(layer, role)] = nn.Parameter(torch.zeros(outputs, inputs))
            self.masks.register_buffer(_key(layer, role), torch.zeros(outputs, -(-inputs // 8), dtype=torch.uint8))

    @classmethod
    @override
    def build(cls, settings: MaskSettings, shape: ModelShape, start: Start) -> Self:
        method = cls(settings, shape)
        for layer, role in method.places:
            weight = readable_weight(start.base, layer, role, SPEC.title)
            scores = method._scores(layer, role)
            with torch.no_grad():
                scores.copy_(first_scores(settings, weight, start.rng))
        method._note_bits()
        return method

    @classmethod
    @override
    def count(cls, settings: MaskSettings, shape: ModelShape) -> dict[str, int]:
        """Inputs times outputs of every masked linear: one score for each weight."""
        sizes = [shape.linears[role] for _, role in masked_linears(settings, shape)]
        return {"scores": sum(inputs * outputs for inputs, outputs in sizes)}

    @property
    @override
    def starts_at_base(self) -> bool:
        return self.settings.sparsity == 0

    @override
    def attach(self, sites: Sites) -> None:
        for layer, role in self.places:
            sites.add_linear(layer, role, partial(self.switch_off, layer, role, sites.linear(layer, role).module))

    def switch_off(
        self, layer: int, role: str, linear: nn.Module, x: Float[Tensor, "*b i"], _y: Float[Tensor, "*b o"]
    ) -> Float[Tensor, "*b o"] | None:
        """What is missing without the weights that are off: s (W' - W) x."""
        if self.is_off(layer):
            return None
        weight = frozen_weight(linear)
        assert weight is not None, "build refuses weights that cannot be read"
        if self.scores is None:
            change = torch.where(self.kept(layer, role), 0.0, -weight)
        else:
            change = StraightThrough.apply(self._scores(layer, role), weight, self.settings.threshold)  # type: ignore[no-untyped-call]
        return nn.functional.linear(x.to(weight.dtype), change) * self.control.strength

    def kept(self, layer: int, role: str) -> Bool[Tensor, "o i"]:
        """Which weights of a linear are used."""
        if self.scores is not None:
            return self._scores(layer, role) > self.settings.threshold
        return unpack(self._bits(layer, role), self.shape.linears[role][0])

    def _scores(self, layer: int, role: str) -> nn.Parameter:
        assert self.scores is not None, "a folded mask has no scores"
        out: nn.Parameter = self.scores[_key(layer, role)]
        return out

    def _bits(self, layer: int, role: str) -> UInt8[Tensor, "o n"]:
        bits: Tensor = getattr(self.masks, _key(layer, role))
        return bits

    @torch.no_grad()
    def _note_bits(self) -> None:
        for layer, role in self.places:
            self._bits(layer, role).copy_(pack(self.kept(layer, role)))

    @override
    def fold(self) -> None:
        if self.scores is not None:
            self._note_bits()
            self.scores = None

    @override
    def method_tensors(self) -> dict[str, Tensor]:
        assert self.scores is None, "only a folded mask is stored"
        return self.state_dict()

    @override
    def load_method_tensors(self, tensors: dict[str, Tensor]) -> None:
        for name, tensor in tensors.items():
            if tensor.dtype != torch.uint8:
                problem = f"holds {tensor.dtype} instead of packed bits"
                raise ExchangeError(
                    "bad_tensor",
                    f"The tensor {name!r} in the mask's file {problem}.",
                    tensor=name,
                    file="mask",
                    problem=problem,
                )
        self.load_state_dict(tensors)

    @override
    def train(self, mode: bool = True) -> Self:
        if mode and self.scores is None:
            raise RunError(
                "mask_folded", "This mask holds bits only, its scores are gone: start a new run to train another."
            )
        return super().train(mode)

    @override
    def parameter_events(self, step: int) -> Iterator[Event]:
        roles = _roles(self.settings, self.shape)
        layers = sorted({layer for layer, _ in self.places})
        kept = {place: self.kept(*place) for place in self.places}
        low, high = self.settings.range
        room = (high - low) / 4
        edges = torch.linspace(low - room, high + room, BINS + 1)
        yield MaskFrame(
            step=step,
            layers=layers,
            targets=list(roles),
            off=[[_share(~kept[layer, role]) for role in roles] for layer in layers],
            flipped=[[self._flipped(layer, role, kept[layer, role]) for role in roles] for layer in layers],
            threshold=self.settings.threshold,
            edges=rounded(edges, 5),
            counts=self._histogram(edges),
        )

    def _flipped(self, layer: int, role: str, kept: Bool[Tensor, "o i"]) -> float:
        """Share of the bits that are not what they were when training started."""
        return _share(unpack(self._bits(layer, role), kept.shape[1]) != kept)

    def _histogram(self, edges: Tensor) -> list[int]:
        """How many of a fixed sample of scores lie in each bin; the outer bins hold what lies beyond."""
        assert self.scores is not None
        every = max(1, sum(scores.numel() for scores in self.scores.values()) // SAMPLED)
        sample = torch.cat([scores.detach().flatten()[::every] for scores in self.scores.values()]).cpu()
        counts = torch.histogram(sample.clamp(float(edges[0]), float(edges[-1])), edges)[0]
        return [int(count) for count in counts]

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> ChangeReport:
        observed = {place: Observed(view.sites.linear(*place)) for place in self.places}
        return change_report(relative_changes(observed, probe_input), probe_input)


def first_scores(settings: MaskSettings, weight: Float[Tensor, "o i"], rng: torch.Generator) -> Float[Tensor, "o i"]:
    """Scores of which a share p lies at or below the threshold."""
    low, high = settings.range
    share = torch.rand(weight.shape, generator=rng)
    if settings.init == "magnitude":
        order = weight.detach().float().cpu().abs().flatten().argsort()
        share = share.flatten().sort().values[order.argsort()].view(weight.shape)
    scores = low + (high - low) * share
    if settings.sparsity == 0:
        return scores.clamp(min=torch.nextafter(torch.tensor(low), torch.tensor(high)).item())
    return scores


def _roles(settings: MaskSettings, shape: ModelShape) -> tuple[str, ...]:
    """The family's own names of the masked linears."""
    wanted = tuple(shape.linears) if settings.targets.strip() == EVERY else tuple(settings.targets.split())
    return linear_roles(shape.family, wanted)


def masked_linears(settings: MaskSettings, shape: ModelShape) -> list[tuple[int, str]]:
    """(layer, role) of every masked linear, lowest layer first."""
    count = settings.layers or shape.l - shape.l // 6
    need_layers("layers", count, shape.l)
    return [(layer, role) for layer in range(shape.l - count, shape.l) for role in _roles(settings, shape)]


def _key(layer: int, role: str) -> str:
    return f"{layer}_{role}"


def _share(bits: Tensor) -> float:
    return round(float(bits.float().mean()), 6)
