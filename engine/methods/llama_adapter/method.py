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
`projection_steps` begins with the projection alone, and with the gates, without which it would have no gradient.

V2 reads pictures in another way, and its code in another one than its paper (`vision_form`). In both, K learned queries
and all tokens Z of the encoder's last layer (CLIP's after its own projection) go through transformer blocks together:

    Q = norm(W blocks([queries; norm(W_r Z + b_r)])_1..K + b)         a vector for each of the K prompts

"queries" follows the code: P_l^v = P_l + Q in every adapted layer. "early" follows the paper: Q joins no prompts, but
is attended to in their stead, with zero gates of its own, in the `vision_early` lowest layers, where no prompts are;
rows without a picture leave these layers alone. The blocks have the width of the encoder's tokens, 768 with the code's
CLIP; the code's prompts are in all layers but the lowest, the paper's are 20, and 8 is the blocks' number in both.

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
from engine.methods.llama_adapter.places import early_layers, prompt_layers
from engine.methods.llama_adapter.spec import SPEC, LlamaAdapterSettings
from engine.methods.llama_adapter.vision import PictureProjection, PictureReader
from engine.methods.llama_adapter.visual_queries import VisualQueries
from engine.methods.parts import tuned_linears
from engine.methods.parts.tuned_norms import TunedNorms
from engine.models.attention_site import AttentionRecord, AttentionSite, JoinedKeys
from engine.models.hooks import RowSlice
from engine.models.shape import ModelShape
from engine.models.sites import Sites
from engine.models.view import View
from engine.models.vision import VisionShape, vision_shape
from engine.telemetry.events import Event
from engine.telemetry.method_events import GateFrame
from engine.telemetry.observe import ProbeInput, relative_norm, rounded, text_scores
from engine.telemetry.probe_reports import AdaptionPromptReport


class LlamaAdapter(Method[LlamaAdapterSettings]):
    """Zero-init attention with adaption prompts."""

    spec = SPEC

    def __init__(self, settings: LlamaAdapterSettings, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        counts = self.count(settings, shape)
        layers, early = prompt_layers(settings, shape.l), early_layers(settings, shape.l)
        self.prompts = nn.Parameter(torch.empty(layers, settings.prompt_len, shape.d))
        self.gates = nn.Parameter(torch.zeros(layers, counts["gates"] // layers)) if "gates" in counts else None
        self.early_gates = nn.Parameter(torch.zeros(early, counts["early_gates"] // early)) if early else None
        self.bias = tuned_linears.offsets(shape) if settings.bias else None
        self.scale = tuned_linears.offsets(shape) if settings.scale else None
        self.norms = TunedNorms(shape) if settings.norms else None
        self.projection = _reader(settings, shape) if settings.vision else None

    @classmethod
    @override
    def build(cls, settings: LlamaAdapterSettings, shape: ModelShape, start: Start) -> Self:
        method = cls(settings, shape)
        with torch.no_grad():
            method.prompts.normal_(0, settings.prompt_std, generator=start.rng)
            for gates in (method.gates, method.early_gates):
                if gates is not None and settings.gate_init == "random":
                    gates.normal_(generator=start.rng)
        if method.projection is not None:
            method.projection.start(start.rng)
            if start.base.device.type != "meta":
                method.projection.use(settings.vision, start.base.device)
        return method

    @classmethod
    @override
    def count(cls, settings: LlamaAdapterSettings, shape: ModelShape) -> dict[str, int]:
        """L K d prompts, L h gates (L with one gate per layer, none when ungated), and what V2 and pictures add."""
        layers, early = prompt_layers(settings, shape.l), early_layers(settings, shape.l)
        heads = shape.h if settings.gate == "per_head" else 1
        counts = {"prompts": layers * settings.prompt_len * shape.d}
        if settings.gate_init != "ungated":
            counts["gates"] = layers * heads
        if early:
            counts["early_gates"] = early * heads
        counts |= {name: tuned_linears.count(shape) for name in ("bias", "scale") if name in settings.beyond_v1}
        if settings.norms:
            counts["norms"] = TunedNorms.count(shape)
        if settings.vision:
            counts["projection"] = _count_reader(settings, shape)
        return counts

    @property
    @override
    def starts_at_base(self) -> bool:
        return self.settings.gate_init == "zero"

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
        first = ("projection", "gates", "early_gates")
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

    @property
    def acting_layers(self) -> list[int]:
        """Layers with prompts of their own or, in early fusion, with a picture's tokens; lowest first."""
        early = 0 if self.early_gates is None else len(self.early_gates)
        return [*range(early), *range(self.first_layer, self.shape.l)]

    @override
    def attach(self, sites: Sites) -> None:
        if self.projection is not None:
            sites.read_pictures(self.projection)
        for layer in self.acting_layers:
            if self.gates is None:
                sites.join_keys(layer, partial(self.join, layer))
            else:
                sites.add_attention(layer, partial(self.prompt_output, layer, sites.rows))
        if self.bias is not None or self.scale is not None:
            tuned_linears.attach(sites, self, self.bias, self.scale)
        if self.norms is not None:
            self.norms.attach(sites, self)

    def prompt_output(
        self, layer: int, served: RowSlice, query: Float[Tensor, "b h t k"], site: AttentionSite
    ) -> Float[Tensor, "b h t k"] | None:
        """What the prompts of one layer add: s tanh(g) softmax(q k_P) v_P; None where it is off, or has none."""
        prompts = None if self.is_off(layer) else self.prompts_of(layer, site)
        if prompts is None:
            return None
        weights, values = self.prompt_attention(prompts, query, site)
        added = self.control.strength * self.gate_values(layer)[:, None, None] * (weights @ values)
        if layer >= self.first_layer:
            return added
        seen = [picture is not None for picture in site.context.pictures[served or slice(None)]]
        return added * torch.tensor(seen, device=added.device)[:, None, None, None]

    def prompt_attention(
        self, prompts: Float[Tensor, "*c p d"], query: Float[Tensor, "b h t k"], site: AttentionSite
    ) -> tuple[Float[Tensor, "b h t p"], Float[Tensor, "*c h p k"]]:
        """How each query spreads over prompts, and what the prompts answer."""
        keys, values = site.project_keys_values(prompts)
        scores = site.scores(query, site.to_query_heads(keys))
        return scores.softmax(-1), site.to_query_heads(values)

    def prompts_of(self, layer: int, site: AttentionSite) -> Float[Tensor, "*c p d"] | None:
        """The prompts of one layer: the same for all rows, unless a row of the batch has a picture.

        In early fusion these are the lower layers' picture tokens, None where no row has any.
        """
        read = None if self.projection is None else site.context.read.get(self.projection)
        if layer < self.first_layer:
            return read
        own = self.prompts[layer - self.first_layer]
        return own if read is None or self.early_gates is not None else own + read

    def gate_values(self, layer: int) -> Float[Tensor, " h"]:
        """The effective gate of every head of a layer, knocked-out heads at 0."""
        early = layer < self.first_layer
        raw = self.early_gates if early else self.gates
        assert raw is not None
        gates = self.activated(raw[layer if early else layer - self.first_layer]).expand(self.shape.h)
        out = [head for other, head in self.control.knocked_out if other == layer]
        if out:
            gates = gates.index_fill(0, torch.tensor(out, device=gates.device), 0.0)
        return gates

    def activated(self, gates: Float[Tensor, "*l h"]) -> Float[Tensor, "*l h"]:
        """Effective gates from raw ones."""
        return gates.tanh() if self.settings.activation == "tanh" else gates

    def join(self, layer: int, site: AttentionSite) -> JoinedKeys | None:
        """The ungated variant: prompts among the text's own keys and values."""
        prompts = None if self.is_off(layer) else self.prompts_of(layer, site)
        if prompts is None:
            return None
        keys, values = site.project_keys_values(prompts)
        return JoinedKeys(keys, values, self.control.strength)

    @override
    def parameter_events(self, step: int) -> Iterator[Event]:
        if self.norms is not None:
            yield self.norms.frame(step)
        if self.gates is None:
            return
        raw: list[Tensor] = [gates for gates in (self.early_gates, self.gates) if gates is not None]
        grad = [torch.zeros_like(gates) if gates.grad is None else gates.grad for gates in raw]
        yield GateFrame(
            step=step,
            layers=self.acting_layers,
            gate=rounded(self.activated(torch.cat(raw)), 5),
            grad=rounded(torch.cat(grad), 6),
            shared=self.settings.gate == "per_layer",
        )

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> AdaptionPromptReport:
        seen: dict[int, tuple[Float[Tensor, "h t p"], Float[Tensor, "h t"]]] = {}

        def observe(layer: int, site: AttentionSite, record: AttentionRecord) -> None:
            seen[layer] = self._observed(layer, site, record)

        for layer in self.acting_layers:
            view.sites.attention[layer].observers.append(partial(observe, layer))
        probe_input.run()
        return AdaptionPromptReport(
            tokens=probe_input.tokens,
            layers=self.acting_layers,
            weights=[rounded(seen[layer][0]) for layer in self.acting_layers],
            contribution=[rounded(seen[layer][1]) for layer in self.acting_layers],
        )

    def _observed(
        self, layer: int, site: AttentionSite, record: AttentionRecord
    ) -> tuple[Float[Tensor, "h t p"], Float[Tensor, "h t"]]:
        """Who asks which prompt in a layer, and how much that adds; zeros where it has none to ask."""
        prompts = self.prompts_of(layer, site)
        if prompts is None:
            nothing = record.query.new_zeros(record.query.shape[1:3])
            return nothing[..., None].repeat(1, 1, self.settings.prompt_len), nothing
        weights, values = self.prompt_attention(prompts, record.query, site)
        if self.gates is None:
            p = weights.shape[-1]
            share = text_scores(record, site.scale).softmax(-1)[..., :p].sum(-1)  # (h, t)
            added = share[..., None] * (weights @ values)[0]
        else:
            added = self.gate_values(layer)[:, None, None] * (weights @ values)[0]
        return weights[0], relative_norm(self.control.strength * added, record.out[0])


def _reader(settings: LlamaAdapterSettings, shape: ModelShape) -> PictureReader:
    """What makes vectors of pictures."""
    encoder = _encoder(settings, shape)
    if settings.vision_form == "global":
        features = len(encoder.depths(settings.vision_depths)) * encoder.width
        return PictureProjection(settings.vision_depths, features, shape.d)
    return VisualQueries(encoder, settings.prompt_len, settings.vision_blocks, shape.d)


def _count_reader(settings: LlamaAdapterSettings, shape: ModelShape) -> int:
    """Its parameters."""
    encoder = _encoder(settings, shape)
    if settings.vision_form == "global":
        return PictureProjection.count(len(encoder.depths(settings.vision_depths)) * encoder.width, shape.d)
    return VisualQueries.count(encoder, settings.prompt_len, settings.vision_blocks, shape.d)


def _encoder(settings: LlamaAdapterSettings, shape: ModelShape) -> VisionShape:
    """Sizes of the vision encoder.

    Raises:
        SettingError: The model reads pictures itself.
        ModelError: There is no such encoder.
    """
    if not shape.family.reads_text:
        raise SettingError(
            "vision_beside_pictures",
            f"vision is {settings.vision!r}, but this model reads pictures itself: leave it empty, or choose a "
            "language model.",
            name=settings.vision,
        )
    return vision_shape(settings.vision)
