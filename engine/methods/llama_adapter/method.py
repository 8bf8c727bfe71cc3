"""LLaMA-Adapter: Efficient Fine-tuning of Language Models with Zero-init Attention.

Zhang, Han, Liu, Zhou, Lu, Qiao, Li, Gao. ICLR 2024. https://arxiv.org/abs/2303.16199

In each of the top L layers, K learnable prompts P are attended to beside the text, in a softmax of their own, and
a gate g per head decides how much of their answer is added:

    S_text   = rope(W_q T) rope(W_k T)^T / sqrt(k)            causal
    S_prompt = rope(W_q T) (W_k P)^T / sqrt(k)                prompts are neither rotated nor normalised
    out      = softmax(S_text) W_v T + tanh(g) softmax(S_prompt) W_v P

W_q, W_k, W_v are frozen and shared with the text. With g = 0 the model is the base to the bit, and the first update
can move only the gates: the gradient of P is proportional to tanh(g).

Differences from the paper: none with the defaults (the arXiv v1 text has no tanh; the training code and the ICLR
text have it). As options: one gate per layer and no tanh, which is what HF peft implements; and, for teaching, gates
drawn from N(0, 1) and an ungated variant in which prompts and text share one softmax.

LLaMA-Adapter V2 (Gao et al. 2023, https://arxiv.org/abs/2304.15010) also trains a bias and a scale per output of the
linears of all layers, y = scale * (W x + bias), and the norms. Each is an option. As in its code, the key and value
projections stay as they are, so that nothing but the prompts themselves changes what is asked of them.

With the option `vision` a row may have a picture (section 3.3 of the paper, whose code was never released). A frozen
encoder gives its global features I_m at several depths, and the prompts of every adapted layer become, row by row,

    I_p   = norm(W concat(I_1 ... I_m) + b)        learned, of the model's width, the same for all layers
    P_l^v = P_l + repeat(I_p)                      P_l where a row has no picture

Differences: each I_m is brought to mean 0 and variance 1 first, since depths differ in size by orders of magnitude, and
the projection is one linear and a norm, as V2's code has it, where the paper says MLP. The paper trains all jointly;
`projection_steps` begins with the projection alone, and with the gates, without which it would have no gradient. V2's
visual query tokens and its early fusion are not here.

Starts at base: yes with zero gates, no with the random and ungated variants; V2's options start at the base.
"""

from collections.abc import Iterator
from functools import partial
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from engine.core.errors import SettingError
from engine.data.picture_features import PictureFeatures
from engine.methods.base import Method, Start
from engine.methods.checks import need_layers
from engine.methods.llama_adapter.spec import SPEC, LlamaAdapterSettings
from engine.methods.llama_adapter.vision import PictureProjection
from engine.methods.parts import tuned_linears
from engine.methods.parts.tuned_norms import TunedNorms
from engine.models.attention_site import AttentionRecord, AttentionSite, JoinedKeys
from engine.models.hooks import RowSlice
from engine.models.shape import ModelShape
from engine.models.sites import Sites
from engine.models.view import View
from engine.models.vision import vision_shape
from engine.telemetry.events import Event
from engine.telemetry.method_events import GateFrame, NormFrame
from engine.telemetry.observe import ProbeInput, relative_norm, rounded, text_scores
from engine.telemetry.probe_reports import AdaptionPromptReport


class LlamaAdapter(Method[LlamaAdapterSettings]):
    """Zero-init attention with adaption prompts."""

    spec = SPEC

    def __init__(self, settings: LlamaAdapterSettings, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        counts = self.count(settings, shape)
        layers = _layers(settings, shape)
        self.prompts = nn.Parameter(torch.empty(layers, settings.prompt_len, shape.d))
        self.gates = nn.Parameter(torch.zeros(layers, counts["gates"] // layers)) if "gates" in counts else None
        self.bias = tuned_linears.offsets(shape) if settings.bias else None
        self.scale = tuned_linears.offsets(shape) if settings.scale else None
        self.norms = TunedNorms(shape) if settings.norms else None
        self.projection = PictureProjection(_features(settings, shape), shape.d) if settings.vision else None

    @classmethod
    @override
    def build(cls, settings: LlamaAdapterSettings, shape: ModelShape, start: Start) -> Self:
        method = cls(settings, shape)
        with torch.no_grad():
            method.prompts.normal_(0, settings.prompt_std, generator=start.rng)
            if method.gates is not None and settings.gate_init == "random":
                method.gates.normal_(generator=start.rng)
        if method.projection is not None:
            method.projection.start(start.rng)
            if start.base.device.type != "meta":
                method.projection.use(settings.vision, settings.vision_depths, start.base.device)
        return method

    @classmethod
    @override
    def count(cls, settings: LlamaAdapterSettings, shape: ModelShape) -> dict[str, int]:
        """L K d prompts, L h gates (L with one gate per layer, none when ungated), and what V2 and pictures add."""
        layers = _layers(settings, shape)
        counts = {"prompts": layers * settings.prompt_len * shape.d}
        if settings.gate_init != "ungated":
            counts["gates"] = layers * (shape.h if settings.gate == "per_head" else 1)
        counts |= {name: tuned_linears.count(shape) for name in ("bias", "scale") if name in settings.beyond_v1}
        if settings.norms:
            counts["norms"] = TunedNorms.count(shape)
        if settings.vision:
            counts["projection"] = PictureProjection.count(_features(settings, shape), shape.d)
        return counts

    @property
    @override
    def starts_at_base(self) -> bool:
        return self.settings.gate_init == "zero"

    @property
    @override
    def emitted(self) -> tuple[type[Event], ...]:
        gates = () if self.gates is None else (GateFrame,)
        return gates if self.norms is None else (*gates, NormFrame)

    @property
    @override
    def sees_pictures(self) -> bool:
        return self.projection is not None

    @property
    @override
    def picture_features(self) -> PictureFeatures | None:
        return None if self.projection is None else self.projection.store

    @override
    def enter_step(self, step: int) -> None:
        if self.projection is None:
            return
        first = ("projection", "gates")
        for name, group in self.groups().items():
            for parameter in group:
                parameter.requires_grad_(name.startswith((*first, "head")) or step >= self.settings.projection_steps)

    @override
    def load_method_tensors(self, tensors: dict[str, Tensor]) -> None:
        if self.projection is not None and self.projection.store is not None:
            self.projection.check(tensors["projection.encoder"], self.settings.vision)
        super().load_method_tensors(tensors)

    @property
    def first_layer(self) -> int:
        """Index of the lowest layer that has prompts."""
        return self.shape.l - len(self.prompts)

    @override
    def attach(self, sites: Sites) -> None:
        for row in range(len(self.prompts)):
            if self.gates is None:
                sites.join_keys(self.first_layer + row, partial(self.join, row, sites.rows))
            else:
                sites.add_attention(self.first_layer + row, partial(self.prompt_output, row, sites.rows))
        if self.bias is not None or self.scale is not None:
            tuned_linears.attach(sites, self, self.bias, self.scale)
        if self.norms is not None:
            self.norms.attach(sites, self)

    def prompt_output(
        self, row: int, served: RowSlice, query: Float[Tensor, "b h t k"], site: AttentionSite
    ) -> Float[Tensor, "b h t k"] | None:
        """What the prompts of one layer add: s tanh(g) softmax(q k_P) v_P; None where it is off."""
        if self.is_off(self.first_layer + row):
            return None
        weights, values = self.prompt_attention(row, served, query, site)
        return self.control.strength * self.gate_values(row)[:, None, None] * (weights @ values)

    def prompt_attention(
        self, row: int, served: RowSlice, query: Float[Tensor, "b h t k"], site: AttentionSite
    ) -> tuple[Float[Tensor, "b h t p"], Float[Tensor, "*c h p k"]]:
        """How each query spreads over the prompts, and what the prompts answer."""
        keys, values = site.project_keys_values(self.prompts_beside(row, served, site))
        scores = site.scores(query, site.to_query_heads(keys))
        return scores.softmax(-1), site.to_query_heads(values)

    def prompts_beside(self, row: int, served: RowSlice, site: AttentionSite) -> Float[Tensor, "*c p d"]:
        """The prompts of one layer: the same for all rows, unless a row of the batch has a picture."""
        pictures = site.context.pictures[served or slice(None)]
        if self.projection is None or not any(pictures):
            return self.prompts[row]
        added: Tensor = self.projection(pictures)
        return self.prompts[row] + added[:, None]

    def gate_values(self, row: int) -> Float[Tensor, " h"]:
        """The effective gate of every head of a layer, knocked-out heads at 0."""
        assert self.gates is not None
        gates = self.gates[row].tanh() if self.settings.activation == "tanh" else self.gates[row]
        gates = gates.expand(self.shape.h)
        out = [head for layer, head in self.control.knocked_out if layer == self.first_layer + row]
        if out:
            gates = gates.index_fill(0, torch.tensor(out, device=gates.device), 0.0)
        return gates

    def join(self, row: int, served: RowSlice, site: AttentionSite) -> JoinedKeys | None:
        """The ungated variant: prompts among the text's own keys and values."""
        if self.is_off(self.first_layer + row):
            return None
        keys, values = site.project_keys_values(self.prompts_beside(row, served, site))
        return JoinedKeys(keys, values, self.control.strength)

    @override
    def parameter_events(self, step: int) -> Iterator[Event]:
        if self.norms is not None:
            yield self.norms.frame(step)
        if self.gates is None:
            return
        gates = self.gates.tanh() if self.settings.activation == "tanh" else self.gates
        grad = self.gates.grad if self.gates.grad is not None else torch.zeros_like(self.gates)
        yield GateFrame(
            step=step,
            layers=list(range(self.first_layer, self.shape.l)),
            gate=rounded(gates, 5),
            grad=rounded(grad, 6),
            shared=self.settings.gate == "per_layer",
        )

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> AdaptionPromptReport:
        seen: dict[int, tuple[Float[Tensor, "h t p"], Float[Tensor, "h t"]]] = {}

        def observe(row: int, site: AttentionSite, record: AttentionRecord) -> None:
            weights, values = self.prompt_attention(row, None, record.query, site)
            if self.gates is None:
                p = weights.shape[-1]
                share = text_scores(record, site.scale).softmax(-1)[..., :p].sum(-1)  # (h, t)
                added = share[..., None] * (weights @ values)[0]
            else:
                added = self.gate_values(row)[:, None, None] * (weights @ values)[0]
            seen[row] = (weights[0], relative_norm(self.control.strength * added, record.out[0]))

        sites = [view.sites.attention[self.first_layer + row] for row in range(len(self.prompts))]
        for row, site in enumerate(sites):
            site.observers.append(partial(observe, row))
        probe_input.run()
        return AdaptionPromptReport(
            tokens=probe_input.tokens,
            layers=[site.layer for site in sites],
            weights=[rounded(seen[row][0]) for row in sorted(seen)],
            contribution=[rounded(seen[row][1]) for row in sorted(seen)],
        )


def _layers(settings: LlamaAdapterSettings, shape: ModelShape) -> int:
    """Number of adapted layers: 30 of 32 in the paper, so all but the lowest sixteenth, and at least one spared."""
    if settings.layers is None:
        return max(1, shape.l - max(1, shape.l // 16))
    need_layers("layers", settings.layers, shape.l)
    return settings.layers


def _features(settings: LlamaAdapterSettings, shape: ModelShape) -> int:
    """Numbers of a picture's features.

    Raises:
        SettingError: The model reads pictures itself, or the encoder has too few layers.
        ModelError: There is no such encoder.
    """
    if not shape.family.reads_text:
        raise SettingError(
            "vision_beside_pictures",
            f"vision is {settings.vision!r}, but this model reads pictures itself: leave it empty, or choose a "
            "language model.",
            name=settings.vision,
        )
    encoder = vision_shape(settings.vision)
    return len(encoder.depths(settings.vision_depths)) * encoder.width
