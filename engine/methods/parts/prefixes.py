"""What prefixes of keys and values need: the MLP that computes them, a start from text, the attention they get."""

from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.models.attention_site import AttentionRecord, AttentionSite
from engine.models.base import Base
from engine.models.inputs import Tokens
from engine.models.shape import ModelShape
from engine.models.view import View
from engine.telemetry.observe import ProbeInput, text_scores

KeysValues = tuple[Float[Tensor, "*l g p k"], Float[Tensor, "*l g p k"]]


class Reparametrisation(nn.Module):
    """Embedding -> Linear -> Tanh -> Linear: from one vector per position to the keys and values of n layers.

    The last linear is kept by layer: each attention site asks for its own part and leaves the others alone, and so
    does the backward pass.
    """

    def __init__(self, p: int, width: int, shape: ModelShape, n: int) -> None:
        super().__init__()
        d, size = shape.d, 2 * shape.g * shape.k
        self.embedding = nn.Parameter(torch.zeros(p, d))
        self.inner: nn.Linear = nn.utils.skip_init(nn.Linear, d, width)
        self.outer = nn.ModuleList(nn.utils.skip_init(nn.Linear, width, size) for _ in range(n))
        self._parts = (2, shape.g, shape.k)

    @torch.no_grad()
    def initialise(self, rng: torch.Generator) -> None:
        """First values as PyTorch draws those of an embedding and of linears, with the given generator."""
        self.embedding.normal_(generator=rng)
        for linear in (self.inner, *self.outer):
            bound = linear.in_features**-0.5
            for parameter in linear.parameters():
                parameter.uniform_(-bound, bound, generator=rng)

    def forward(self, layer: int) -> KeysValues:
        """Keys and values of one layer."""
        out: Tensor = self.outer[layer](self.inner(self.embedding).tanh())  # (p, 2 g k)
        keys, values = out.unflatten(-1, self._parts).permute(1, 2, 0, 3)  # (g, p, k) each
        return keys, values

    @torch.no_grad()
    def solve_for(self, layer: int, target: KeysValues) -> None:
        """Change the last linear of a layer as little as needed to make it give the target.

        Linear equations, one for every position: solved exactly while there are no more positions than the hidden
        layer is wide, else in the least-squares sense.
        """
        linear = self.outer[layer]
        hidden = self.inner(self.embedding).tanh()
        hidden = nn.functional.pad(hidden, (0, 1), value=1.0)  # (p, width + 1): the bias is one more weight
        wanted = torch.stack(target).permute(2, 0, 1, 3).flatten(1)  # (p, 2 g k)
        missing = wanted.to(hidden) - linear(hidden[:, :-1])
        change = torch.linalg.pinv(hidden.double()) @ missing.double()  # (width + 1, 2 g k)
        linear.weight += change[:-1].T
        linear.bias += change[-1]


@torch.no_grad()
def text_keys_values(base: Base, ids: Sequence[int]) -> KeysValues:
    """The keys and values that the frozen base computes for a text, at positions 0, 1, 2 ..., in fp32."""
    view = base.view()
    seen: list[tuple[Tensor, Tensor]] = []
    repeats = base.shape.h // base.shape.g

    def observe(_site: AttentionSite, record: AttentionRecord) -> None:
        seen.append((record.key[0, ::repeats].float(), record.value[0, ::repeats].float()))

    for site in view.sites.attention:
        site.observers.append(observe)
    tokens = torch.tensor([list(ids)], device=base.device)
    view.hidden(Tokens(tokens, torch.ones_like(tokens, dtype=torch.bool)))
    keys, values = zip(*seen, strict=True)
    return torch.stack(keys), torch.stack(values)  # (l, g, p, k) each


def prefix_attention(view: View, probe_input: ProbeInput, p: int) -> tuple[list[Float[Tensor, "h t p"]], float]:
    """The attention that each layer's queries give to the prefix, and its mean under uniform attention.

    Layers without a prefix give it none, and do not count in that mean.
    """
    seen: dict[int, Tensor] = {}
    even: list[float] = []

    def observe(layer: int, site: AttentionSite, record: AttentionRecord) -> None:
        joined = record.key.shape[2] - record.query.shape[2]  # 0 at strength 0: then nobody sees the prefix
        probabilities = text_scores(record, site.scale).softmax(-1)
        asked = probabilities[:, -len(probe_input.tokens) :, :joined]  # without another method's virtual tokens
        seen[layer] = nn.functional.pad(asked, (0, p - joined))
        visible = record.mask[0] > torch.finfo(record.mask.dtype).min / 2
        if joined:
            even.append(float((visible[..., :joined].sum(-1) / visible.sum(-1)).mean()))

    for layer, site in enumerate(view.sites.attention):
        site.observers.append(partial(observe, layer))
    probe_input.run()
    return [seen[layer] for layer in sorted(seen)], sum(even) / max(1, len(even))
