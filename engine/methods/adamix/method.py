"""AdaMix: Mixture-of-Adaptations for Parameter-efficient Model Tuning.

Wang, Agarwal, Mukherjee, Liu, Gao, Awadallah, Gao. EMNLP 2022. https://arxiv.org/abs/2205.12410

After each MLP, before its residual sum, its output h goes through a bottleneck whose two matrices come from pools of
E experts each (section 3):

    h' = h + B_j phi(A_i h + a_i) + b_j        A: (m, d), B: (d, m); i and j sampled anew in every layer and pass

One sample of i and j serves the whole batch. Two passes with different samples give predictions p and q, and training
minimises

    CE(p) + weight * (KL(q || p) + KL(p || q)) / 2       the first argument of each KL is taken as given

For a single number per row (regression) the squared difference takes the place of the divergence. Reading uses the
averages of all A_i and of all B_j, so that a tuned model costs one adapter. With `module` lora, A and B are those of a
low-rank update B A x beside chosen linears instead, with E experts each.

Differences from the paper: none with preset `paper` (pools of four for A, one shared B, as in the authors' scripts).
The consistency loss is there for every model; the authors' BERT has none. Experts are stacked in one tensor, so that
Adam's momentum also moves the ones that were not sampled; the authors' code leaves those alone.

Starts at base: no (N(0, 0.02) on both matrices); over LoRA yes.
"""

import math
import random
from collections.abc import Iterator
from functools import partial
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from typing_extensions import override

from engine.methods.adamix.spec import SPEC, AdaMixSettings
from engine.methods.base import RANDOM, Method, Start
from engine.methods.parts.activation_changes import Observed, change_report, relative_changes
from engine.methods.parts.activations import ACTIVATIONS
from engine.methods.parts.experts import Experts
from engine.models.family import linear_roles
from engine.models.module_site import ModuleSite
from engine.models.shape import ModelShape
from engine.models.sites import Sites
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.method_events import AgreementFrame, ExpertFrame
from engine.telemetry.observe import ProbeInput, rounded
from engine.telemetry.probe_reports import ChangeReport

POOLS = ("down", "up")
ROUTES = 8
"""Random routings with which telemetry reads the sample sentence."""


class AdaMix(Method[AdaMixSettings]):
    """Experts that are sampled in training and averaged afterwards."""

    spec = SPEC

    routing_rng: Int[Tensor, "2"]
    counts: Int[Tensor, "2 n e"]

    def __init__(self, settings: AdaMixSettings, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        self.places = _places(settings, shape)
        self.down, self.up = nn.ModuleDict(), nn.ModuleDict()
        first, second = settings.sizes()
        adapters, m = settings.module == "adapter", settings.width
        for key, (inputs, outputs) in zip(self._keys(), _sizes(settings, shape), strict=True):
            self.down[key] = Experts(first, inputs, m, bias=adapters)
            self.up[key] = Experts(second, m, outputs, bias=adapters)
        # Seed of the routing and number of samples so far. Sharing copies have the same, so that a resumed run and the
        # second pass of a step go on in one stream; the present sample of routing is each copy's own.
        self.register_buffer("routing_rng", torch.zeros(2, dtype=torch.long))
        self.register_buffer("counts", torch.zeros(2, len(self.places), settings.experts, dtype=torch.long))
        self._routing = self._sampled(0)
        self._untrained_rng = random.Random(0)  # for RANDOM routing outside of training

    @classmethod
    @override
    def build(cls, settings: AdaMixSettings, shape: ModelShape, start: Start) -> Self:
        method, rng = cls(settings, shape), start.rng
        with torch.no_grad():
            if settings.module == "adapter":
                for experts in (*_experts(method.down), *_experts(method.up)):
                    experts.weight.normal_(0, settings.init_std, generator=rng)
            else:  # as in LoRA: A random, B zero
                for experts in _experts(method.down):
                    bound = 1 / math.sqrt(experts.weight.shape[-1])
                    experts.weight.uniform_(-bound, bound, generator=rng)
            method.routing_rng[0] = int(torch.randint(2**31, (), generator=rng))
        method.use_sample(0)
        return method

    @classmethod
    @override
    def count(cls, settings: AdaMixSettings, shape: ModelShape) -> dict[str, int]:
        """In training: E (m d + m) for a pool of A and E (m d + d) for one of B; over LoRA E m d each, no biases."""
        first, second = settings.sizes()
        m, bias = settings.width, int(settings.module == "adapter")
        sizes = _sizes(settings, shape)
        return {
            "down": first * sum(m * inputs + bias * m for inputs, _ in sizes),
            "up": second * sum(m * outputs + bias * outputs for _, outputs in sizes),
        }

    @property
    @override
    def starts_at_base(self) -> bool:
        return self.settings.module == "lora"

    @property
    def experts(self) -> int:
        """Experts of the largest pool, 1 when they were averaged."""
        return max(len(pool) for pool in (*_experts(self.down), *_experts(self.up)))

    @property
    @override
    def passes(self) -> int:
        return 2 if self.settings.consistency > 0 and self.settings.pools() else 1

    @override
    def attach(self, sites: Sites) -> None:
        for place, (layer, target) in enumerate(self.places):
            if self.settings.module == "adapter":
                sites.add_sublayer(layer, target, partial(self.adapt, place))
            else:
                sites.add_linear(layer, target, partial(self.update, place))

    def adapt(self, place: int, _x: Float[Tensor, "*b i"], h: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"] | None:
        """What an adapter adds to an MLP's output h: s (B_j phi(A_i h + a_i) + b_j)."""
        if self.is_off(self.places[place][0]):
            return None
        key = self._keys()[place]
        units = self.down[key](h.float(), self.expert(0, place))
        out: Float[Tensor, "*b d"] | None = self.control.strength * self.up[key](
            ACTIVATIONS[self.settings.activation](units), self.expert(1, place)
        )
        return out

    def update(self, place: int, x: Float[Tensor, "*b i"], _y: Float[Tensor, "*b o"]) -> Float[Tensor, "*b o"] | None:
        """What a LoRA update adds to a linear's output: s (alpha / r) B_j A_i x."""
        if self.is_off(self.places[place][0]):
            return None
        key, scale = self._keys()[place], self.settings.alpha / self.settings.width
        units = self.down[key](x.float(), self.expert(0, place))
        out: Float[Tensor, "*b o"] | None = self.control.strength * scale * self.up[key](units, self.expert(1, place))
        return out

    def expert(self, pool: int, place: int) -> int | None:
        """The expert of a pool: the sampled one in training, else their average (None), or what `control` says."""
        routing = self.control.routing
        if routing == RANDOM:
            return self._untrained_rng.randrange(self.settings.experts)
        if routing is not None:
            return min(routing, self.settings.experts - 1)
        return self._routing[pool][place] if self.training else None

    @override
    def sample_routing(self) -> None:
        self.routing_rng[1] += 1
        self.use_sample(int(self.routing_rng[1]))
        self.counts.scatter_add_(
            -1, torch.tensor(self._routing, device=self.counts.device)[..., None], torch.ones_like(self.counts[..., :1])
        )

    def use_sample(self, number: int) -> None:
        """Route as the sample of that number says; nothing is counted."""
        self._routing = self._sampled(number)

    def _sampled(self, number: int) -> list[list[int]]:
        """Experts of A and of B by place. A sample depends on the seed and its number alone."""
        rng = torch.Generator().manual_seed(int(self.routing_rng[0]) * 1_000_003 + number)
        return torch.randint(self.settings.experts, (2, len(self.places)), generator=rng).tolist()

    @override
    def consistency_loss(self, first: Float[Tensor, "n v"], second: Float[Tensor, "n v"]) -> Float[Tensor, ""]:
        if first.shape[-1] == 1:
            return self.settings.consistency * (first - second).square().sum()
        return self.settings.consistency * symmetric_divergence(first, second).sum()

    @override
    def fold(self) -> None:
        for experts in (*_experts(self.down), *_experts(self.up)):
            experts.fold()

    @override
    def method_tensors(self) -> dict[str, Tensor]:
        return dict(self.named_parameters())

    @override
    def load_method_tensors(self, tensors: dict[str, Tensor]) -> None:
        self.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, strict=False)

    def _keys(self) -> list[str]:
        adapters = self.settings.module == "adapter"
        return [f"{layer}" if adapters else f"{layer}_{target}" for layer, target in self.places]

    @override
    def parameter_events(self, step: int) -> Iterator[Event]:
        pools = self.settings.pools()
        if not pools:
            return
        counts = self.counts[pools].double()  # (pools, places, e)
        flat = counts.mean(-1, keepdim=True).clamp(min=1e-9)
        yield ExpertFrame(
            step=step,
            layers=[layer for layer, _ in self.places],
            targets=[target for _, target in self.places],
            pools=[POOLS[pool] for pool in pools],
            counts=self.counts[pools].tolist(),
            chi_square=rounded(((counts - flat).square() / flat).sum(-1), 3),
            cosine=[[round(experts.cosine(), 4) for experts in _experts((self.down, self.up)[pool])] for pool in pools],
        )

    @override
    def validation_events(self, step: int, view: View, probe_input: ProbeInput) -> Iterator[Event]:
        if not self.settings.pools():
            return
        states: list[Tensor] = []
        view.sites.add_last_hidden(lambda h, _trace: states.append(h[0]))
        routing, training = self.control.routing, self.training
        try:
            self.eval()
            for self.control.routing in (None, *[RANDOM] * ROUTES):
                probe_input.run()
        finally:
            self.control.routing = routing
            self.train(training)
        average, *routes = [view.head(state).float() for state in states]  # (t, v) each
        between = [symmetric_divergence(*pair) for pair in zip(routes[::2], routes[1::2], strict=True)]
        yield AgreementFrame(
            step=step,
            tokens=probe_input.tokens,
            between=rounded(torch.stack(between).mean(0), 5),
            from_average=rounded(torch.stack([divergence(route, average) for route in routes]).mean(0), 5),
        )

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> ChangeReport:
        observed = {place: Observed(self._site(view.sites, number)) for number, place in enumerate(self.places)}
        return change_report(relative_changes(observed, probe_input), probe_input)

    def _site(self, sites: Sites, place: int) -> ModuleSite:
        layer, target = self.places[place]
        return sites.sublayer(layer, target) if self.settings.module == "adapter" else sites.linear(layer, target)


def _experts(pools: nn.ModuleDict) -> list[Experts]:
    return [experts for experts in pools.values() if isinstance(experts, Experts)]


def _places(settings: AdaMixSettings, shape: ModelShape) -> list[tuple[int, str]]:
    """Layer and sub-layer of every adapter, or layer and linear of every LoRA update."""
    targets = ("mlp",) if settings.module == "adapter" else linear_roles(shape.family, tuple(settings.targets.split()))
    return [(layer, target) for layer in range(shape.l) for target in targets]


def _sizes(settings: AdaMixSettings, shape: ModelShape) -> list[tuple[int, int]]:
    """Inputs and outputs of what each place adds to."""
    adapters = settings.module == "adapter"
    return [(shape.d, shape.d) if adapters else shape.linears[target] for _, target in _places(settings, shape)]


def divergence(p: Float[Tensor, "n v"], q: Float[Tensor, "n v"]) -> Float[Tensor, " n"]:
    """KL(softmax p || softmax q) of every row, in nats."""
    return nn.functional.kl_div(q.log_softmax(-1), p.log_softmax(-1), log_target=True, reduction="none").sum(-1)


def symmetric_divergence(p: Float[Tensor, "n v"], q: Float[Tensor, "n v"]) -> Float[Tensor, " n"]:
    """Half of KL(q || p) + KL(p || q) of every row, in nats; no gradient flows into the first argument of each."""
    return 0.5 * (divergence(q.detach(), p) + divergence(p.detach(), q))
