"""Prefix tuning: Optimizing Continuous Prompts for Generation.

Li, Liang. ACL 2021. https://arxiv.org/abs/2101.00190

In every layer, P learnable keys and values stand in front of those of the text, in the same softmax:

    out = softmax(q [K_P; K]^T / sqrt(k)) [V_P; V]
        = (1 - lambda) attention(q, K, V) + lambda attention(q, K_P, V_P)

lambda, the share of a token's attention that goes to the prefix, depends on the token (He et al. 2022). While it
trains, the prefix of all layers is computed from one small matrix E by an MLP, and afterwards only the result is kept:

    [K_P; V_P] = W_2 tanh(W_1 E + b_1) + b_2        E: (P, d)

Or the keys and values are trained directly ("flat"). Both can reach the same prefixes, by other paths: the MLP makes
larger strides at the same learning rate, which is why the two want different ones.

Starts: at random (E as an embedding and linears as PyTorch draws them, like the authors; a flat prefix with a spread
of its own), or with the keys and values that the base computes for a text. The authors bring an MLP near those with
500 steps of Adam; here its last linear is solved for them, which hits them exactly while P is at most the MLP's width.

Positions: learned keys are joined as they are, without rotation. Where positions are rotary, the text stands at
P, P + 1 ..., as behind a real prefix and as in HF peft; the base itself does not notice, only distances count. So a
prefix that starts from a text (keys rotated to 0 ... P - 1) is that text standing in front, to rounding. Where
positions are learned (gpt2, bert), pushing the text back changes what the base computes: by default it stays at
0, 1, 2 ..., so that the strength goes to 0 without a jump, and `shift_positions` pushes it back like the authors'
code and HF peft.

Differences from the paper: keys and values per key/value head where queries share them (the paper's models have no
such); as an option a prefix in some layers only (AutoPEFT); strength s adds log s to the scores of the prefix.

Starts at base: no, any extra key takes part of the attention.
"""

from collections.abc import Iterator
from functools import partial
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from engine.methods.base import Method, Start
from engine.methods.layers import chosen_layers
from engine.methods.parts.prefixes import KeysValues, Reparametrisation, prefix_attention, text_keys_values
from engine.methods.parts.soft_prompts import virtual_token_report
from engine.methods.prefix.spec import SPEC, PrefixSettings
from engine.models.attention_site import AttentionSite, JoinedKeys
from engine.models.hooks import RowSlice
from engine.models.shape import ModelShape
from engine.models.sites import Sites
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.method_events import MassFrame, PrefixFrame
from engine.telemetry.observe import ProbeInput, rounded
from engine.telemetry.probe_reports import VirtualTokenReport


class PrefixTuning(Method[PrefixSettings]):
    """Learned keys and values in front of the text, in every layer."""

    spec = SPEC

    _first: Float[Tensor, "2 n g p k"]
    _latest: Float[Tensor, "2 n g p k"]

    def __init__(self, settings: PrefixSettings, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        self.layers = chosen_layers(settings.layers, shape.l)
        p, n, g, k = settings.prompt_len, len(self.layers), shape.g, shape.k
        self.mlp: Reparametrisation | None = None
        self.keys: nn.Parameter | None = None
        self.values: nn.Parameter | None = None
        if settings.reparametrisation == "mlp":
            self.mlp = Reparametrisation(p, _width(settings, shape), shape, n)
        else:
            self.keys = nn.Parameter(torch.zeros(n, g, p, k))
            self.values = nn.Parameter(torch.zeros(n, g, p, k))
        # The prefix at the start and at the last event: kept in checkpoints, never in adapter files.
        self.register_buffer("_first", torch.zeros(2, n, g, p, k))
        self.register_buffer("_latest", torch.zeros(2, n, g, p, k))

    @classmethod
    @override
    def build(cls, settings: PrefixSettings, shape: ModelShape, start: Start) -> Self:
        method = cls(settings, shape)
        if method.mlp is not None:
            method.mlp.initialise(start.rng)
        else:
            for parameter in method.parameters():
                nn.init.normal_(parameter, 0, settings.prefix_std, generator=start.rng)
        method._mark_start()
        return method

    @classmethod
    @override
    def count(cls, settings: PrefixSettings, shape: ModelShape) -> dict[str, int]:
        """P d and the weights and biases of the MLP; flat, P n g k keys and as many values, in n layers."""
        size = len(chosen_layers(settings.layers, shape.l)) * shape.g * shape.k
        if settings.reparametrisation == "flat":
            return {"keys": settings.prompt_len * size, "values": settings.prompt_len * size}
        width = _width(settings, shape)
        return {"mlp": settings.prompt_len * shape.d + (shape.d + 1) * width + (width + 1) * 2 * size}

    @property
    @override
    def starts_at_base(self) -> bool:
        return False

    @override
    @torch.no_grad()
    def warm_up(self, start: Start) -> Iterator[float]:
        if self.settings.init == "random":
            return
        yield 0.0
        of_text = text_keys_values(start.base, start.repeated(self.settings.init_text, self.settings.prompt_len))
        keys, values = (of_all[list(self.layers)] for of_all in of_text)
        if self.mlp is not None:
            for at in range(len(self.layers)):
                self.mlp.solve_for(at, (keys[at], values[at]))
            self._mark_start()
        else:
            self.load_method_tensors({"keys": keys, "values": values})

    @override
    def attach(self, sites: Sites) -> None:
        for layer in self.layers:
            sites.join_keys(layer, partial(self.join, layer, sites.rows))
        sites.shift_positions(self.shift)

    def join(self, layer: int, rows: RowSlice, site: AttentionSite) -> JoinedKeys | None:
        """The prefix of one layer, with dropout for every row while it trains; None at strength 0."""
        excluded = tuple(sorted(head for at, head in self.control.knocked_out if at == layer))
        if self.is_off(layer) or len(excluded) == self.shape.h:
            return None
        keys, values = self.layer_keys_values(layer)
        if self.training and self.settings.dropout > 0:
            served = len(range(site.context.rows)[rows or slice(None)])
            keys, values = self._dropped(keys, served), self._dropped(values, served)
        return JoinedKeys(keys, values, self.control.strength, excluded)

    def layer_keys_values(self, layer: int) -> KeysValues:
        """Keys and values of one of the layers that have some, (g, p, k) each."""
        at = self.layers.index(layer)
        if self.mlp is not None:
            keys_values: KeysValues = self.mlp(at)
            return keys_values
        assert self.keys is not None
        assert self.values is not None
        return self.keys[at], self.values[at]

    @property
    def shifts_text(self) -> bool:
        """Whether the text stands behind the prefix, at P, P + 1 ...: always where the base does not notice."""
        return self.settings.shift_positions or self.shape.family.positions != "learned"

    def shift(self) -> int:
        """How far the text is pushed back."""
        return self.settings.prompt_len if self.shifts_text and not self.is_off() else 0

    def _dropped(self, x: Float[Tensor, "g p k"], rows: int) -> Float[Tensor, "{rows} g p k"]:
        return nn.functional.dropout(x.expand(rows, -1, -1, -1), self.settings.dropout)

    def all_keys_values(self) -> Float[Tensor, "2 n g p k"]:
        """All keys and all values as they are now, of the n layers that have some."""
        keys, values = zip(*(self.layer_keys_values(layer) for layer in self.layers), strict=True)
        return torch.stack([torch.stack(keys), torch.stack(values)]).detach()

    def _mark_start(self) -> None:
        """Measure drift and stride from here on."""
        self._first.copy_(self.all_keys_values())
        self._latest.copy_(self._first)

    @override
    def fold(self) -> None:
        if self.mlp is None:
            return
        keys, values = self.all_keys_values()
        self.mlp = None
        self.keys, self.values = nn.Parameter(keys), nn.Parameter(values)

    @override
    def method_tensors(self) -> dict[str, Tensor]:
        assert self.keys is not None, "only a folded prefix is stored"
        assert self.values is not None
        return {"keys": self.keys.detach(), "values": self.values.detach()}

    @override
    @torch.no_grad()
    def load_method_tensors(self, tensors: dict[str, Tensor]) -> None:
        for name, tensor in self.method_tensors().items():
            tensor.copy_(tensors[name])
        self._mark_start()

    @override
    def parameter_events(self, step: int) -> Iterator[Event]:
        now = self.all_keys_values()
        moved, stride = float((now - self._first).norm()), float((now - self._latest).norm())
        self._latest.copy_(now)
        norms = now.new_zeros(2, self.shape.l)  # 0 in layers without a prefix
        norms[:, list(self.layers)] = now.flatten(2).norm(dim=-1)
        keys, values = norms
        yield PrefixFrame(
            step=step,
            keys=rounded(keys),
            values=rounded(values),
            norm=round(float(now.norm()), 5),
            moved=round(moved, 5),
            stride=round(stride, 6),
        )

    @override
    def validation_events(self, step: int, view: View, probe_input: ProbeInput) -> Iterator[Event]:
        attention, even = prefix_attention(view, probe_input, self.settings.prompt_len)
        mass = torch.stack([of_layer.sum(-1).mean(-1) for of_layer in attention])  # (l, h)
        yield MassFrame(step=step, mass=rounded(mass), even=round(even, 4))

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> VirtualTokenReport:
        attention, _ = prefix_attention(view, probe_input, self.settings.prompt_len)
        return virtual_token_report(probe_input, attention)


def _width(settings: PrefixSettings, shape: ModelShape) -> int:
    """Width of the MLP's hidden layer."""
    return settings.mlp_width or max(1, shape.d // 2)
