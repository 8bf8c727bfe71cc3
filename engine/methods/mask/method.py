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
from dataclasses import dataclass
from functools import partial
from typing import Self

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn
from typing_extensions import override

from engine.core.errors import ExchangeError, RunError, SettingError
from engine.core.settings import Settings, setting
from engine.methods.base import Method, Paper, Start
from engine.methods.parts.masking import StraightThrough, frozen_weight, pack, readable_weight, unpack
from engine.models.family import linear_roles
from engine.models.shape import ModelShape
from engine.models.sites import Sites
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.method_events import MaskFrame
from engine.telemetry.observe import ProbeInput, relative_norm, rounded

EVERY = "all"
"""Value of `targets` for all linears of the family."""
USUAL_SPARSITY = 0.05
"""The paper's; sets the range of the scores where none of them shall lie below the threshold."""
BINS = 40
SAMPLED = 50_000
"""Scores that a histogram counts, evenly taken from all: more would cost time in every frame."""


@dataclass(frozen=True, kw_only=True)
class MaskSettings(Settings):
    """Settings of learned masks."""

    targets: str = setting(
        EVERY, "Which linears are masked: any of q k v o gate up down, with spaces between, or all of them."
    )
    layers: int | None = setting(
        None, "How many of the top layers are masked; empty means all but the lowest sixth.", low=1, unit="layers"
    )
    sparsity: float = setting(0.05, "Share of the weights that are switched off at the start (p).", low=0.0, high=0.95)
    threshold: float = setting(
        0.01, "A weight is used while its score lies above this.", low=0.0, high=1.0, advanced=True
    )
    init_scale: float = setting(
        0.02,
        "The lowest score at the start is minus this (a); it sets the range of all.",
        low=1e-4,
        high=10.0,
        log=True,
        advanced=True,
    )
    init: str = setting(
        "uniform",
        "Which weights start with the lowest scores: any, or the smallest ones.",
        choices=("uniform", "magnitude"),
        advanced=True,
    )

    def __post_init__(self) -> None:
        """Check the bounds, and that `targets` names something."""
        super().__post_init__()
        if not self.targets.split():
            raise SettingError(
                "no_targets", "targets is empty: name at least one of q k v o gate up down.", field="targets"
            )

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest score at the start."""
        a, tau = self.init_scale, self.threshold
        low = -a if self.sparsity else tau
        return low, (a + tau) / (self.sparsity or USUAL_SPARSITY) - a

    def roles(self, shape: ModelShape) -> tuple[str, ...]:
        """The family's own names of the masked linears."""
        wanted = tuple(shape.linears) if self.targets.strip() == EVERY else tuple(self.targets.split())
        return linear_roles(shape.family, wanted)

    def places(self, shape: ModelShape) -> list[tuple[int, str]]:
        """(layer, role) of every masked linear, lowest layer first."""
        if self.layers is not None and self.layers > shape.l:
            raise SettingError(
                "too_many_layers",
                f"layers is {self.layers}, but this model has {shape.l}.",
                field="layers",
                value=self.layers,
                limit=shape.l,
            )
        count = self.layers or shape.l - shape.l // 6
        return [(layer, role) for layer in range(shape.l - count, shape.l) for role in self.roles(shape)]


class MaskTuning(Method):
    """Learned binary masks over frozen weights."""

    name = "mask"
    title = "Learned masks"
    equation = "W' = W ⊙ 1[M > τ]"
    acts_on = ("linear",)
    paper = Paper(
        title="Masking as an Efficient Alternative to Finetuning for Pretrained Language Models",
        authors="Zhao et al.",
        year=2020,
        url="https://arxiv.org/abs/2004.12406",
    )
    settings_class = MaskSettings
    presets = {"paper": {}, "from_base": {"sparsity": 0.0}, "smallest_first": {"init": "magnitude"}}
    learning_rate = 1e-2
    no_decay = ("scores",)  # decay would pull scores below the threshold: it would switch weights off
    emits = (MaskFrame,)
    examples = (
        {"sparsity": 0.2},
        {"sparsity": 0.0, "targets": "q v", "layers": 2},
    )

    def __init__(self, settings: MaskSettings, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        self._settings = settings
        self.places = settings.places(shape)
        self.scores: nn.ParameterDict | None = nn.ParameterDict()
        self.masks = nn.Module()
        """Packed bits: those of a folded adapter, or else those that training started with (never in adapter files)."""
        for layer, role in self.places:
            inputs, outputs = shape.linears[role]
            self.scores[_key(layer, role)] = nn.Parameter(torch.zeros(outputs, inputs))
            self.masks.register_buffer(_key(layer, role), torch.zeros(outputs, -(-inputs // 8), dtype=torch.uint8))

    @classmethod
    @override
    def build(cls, settings: Settings, shape: ModelShape, start: Start) -> Self:
        assert isinstance(settings, MaskSettings)
        method = cls(settings, shape)
        for layer, role in method.places:
            weight = readable_weight(start.base, layer, role, cls.title)
            scores = method._scores(layer, role)
            with torch.no_grad():
                scores.copy_(first_scores(settings, weight, start.rng))
        method._note_bits()
        return method

    @classmethod
    @override
    def count(cls, settings: Settings, shape: ModelShape) -> dict[str, int]:
        """Inputs times outputs of every masked linear: one score for each weight."""
        assert isinstance(settings, MaskSettings)
        sizes = [shape.linears[role] for _, role in settings.places(shape)]
        return {"scores": sum(inputs * outputs for inputs, outputs in sizes)}

    @classmethod
    @override
    def reads_weights(cls, settings: Settings) -> bool:
        return True

    @property
    @override
    def settings(self) -> MaskSettings:
        return self._settings

    @property
    @override
    def starts_at_base(self) -> bool:
        return self._settings.sparsity == 0

    @override
    def attach(self, sites: Sites) -> None:
        for layer, role in self.places:
            sites.add_linear(layer, role, partial(self.switch_off, layer, role, sites.linear(layer, role).module))

    def switch_off(
        self, layer: int, role: str, linear: nn.Module, x: Float[Tensor, "*b i"], _y: Float[Tensor, "*b o"]
    ) -> Float[Tensor, "*b o"] | None:
        """What is missing without the weights that are off: s (W' - W) x."""
        if self.silent(layer):
            return None
        weight = frozen_weight(linear)
        assert weight is not None, "build refuses weights that cannot be read"
        if self.scores is None:
            change = torch.where(self.kept(layer, role), 0.0, -weight)
        else:
            change = StraightThrough.apply(self._scores(layer, role), weight, self._settings.threshold)
        return nn.functional.linear(x.to(weight.dtype), change) * self.control.strength

    def kept(self, layer: int, role: str) -> Bool[Tensor, "o i"]:
        """Which weights of a linear are used."""
        if self.scores is not None:
            return self._scores(layer, role) > self._settings.threshold
        return unpack(self._bits(layer, role), self.shape.linears[role][0])

    def _scores(self, layer: int, role: str) -> nn.Parameter:
        assert self.scores is not None, "a folded mask has no scores"
        return self.scores[_key(layer, role)]

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
    def stored(self) -> dict[str, Tensor]:
        assert self.scores is None, "only a folded mask is stored"
        return self.state_dict()

    @override
    def put(self, tensors: dict[str, Tensor]) -> None:
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
        roles = self._settings.roles(self.shape)
        layers = sorted({layer for layer, _ in self.places})
        kept = {place: self.kept(*place) for place in self.places}
        low, high = self._settings.range
        room = (high - low) / 4
        edges = torch.linspace(low - room, high + room, BINS + 1)
        yield MaskFrame(
            step=step,
            layers=layers,
            targets=list(roles),
            off=[[_share(~kept[layer, role]) for role in roles] for layer in layers],
            flipped=[[self._flipped(layer, role, kept[layer, role]) for role in roles] for layer in layers],
            threshold=self._settings.threshold,
            edges=rounded(edges, 5),  # type: ignore[arg-type]
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
    def probe(self, view: View, probe_input: ProbeInput) -> dict[str, object]:
        seen: dict[tuple[int, str], Tensor] = {}

        def observe(layer: int, role: str, _x: Tensor, frozen: Tensor, total: Tensor) -> None:
            seen[layer, role] = relative_norm((total - frozen).flatten(0, -2), frozen.flatten(0, -2))

        for layer, role in self.places:
            view.sites.linear(layer, role).observe(partial(observe, layer, role))
        probe_input.run()
        roles, layers = self._settings.roles(self.shape), sorted({layer for layer, _ in self.places})
        return {
            "kind": "updates",
            "tokens": probe_input.tokens,
            "layers": layers,
            "targets": list(roles),
            "contribution": [[rounded(seen[layer, role]) for role in roles] for layer in layers],
        }


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


def _key(layer: int, role: str) -> str:
    return f"{layer}_{role}"


def _share(bits: Tensor) -> float:
    return round(float(bits.float().mean()), 6)
