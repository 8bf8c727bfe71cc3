"""What methods with virtual tokens share: how they are attached, the event about them, the attention that they get."""

from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from itertools import islice

from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from engine.core.errors import ModelError
from engine.data.token_texts import is_word
from engine.methods.base import Method, Start
from engine.methods.spec import S
from engine.models.attention_site import AttentionRecord, AttentionSite
from engine.models.layout import SoftPrompt
from engine.models.shape import ModelShape
from engine.models.sites import Sites
from engine.models.view import View
from engine.telemetry.method_events import PromptFrame
from engine.telemetry.observe import ProbeInput, rounded, text_scores
from engine.telemetry.probe_reports import VirtualTokenReport

LOOKED_AT = 64
"""Entries of the vocabulary that are looked at for words: a third of a vocabulary or so are words, the rest pieces."""

SAME = 0.999
"""From this cosine on a vector stands for an entry, as a prompt that starts from a text does."""


class SoftPrompted(Method[S]):
    """A method whose virtual tokens stand in front of the text, or in the slots of a template."""

    @property
    @override
    def starts_at_base(self) -> bool:
        return False

    @override
    def attach(self, sites: Sites) -> None:
        sites.prepend(self.soft_prompt)

    def soft_prompt(self) -> SoftPrompt | None:
        """The virtual tokens; None at strength 0."""
        return None if self.is_off() else self.virtual()

    @abstractmethod
    def virtual(self) -> SoftPrompt:
        """The virtual tokens as they act now."""


def prompt_frame(
    step: int, prompts: Float[Tensor, "p d"], first: Float[Tensor, "p d"], start: Start, stride: float | None = None
) -> PromptFrame:
    """Norms of the virtual tokens, their distance from the start, and the words of the vocabulary nearest to them."""
    vocabulary = start.input_embeddings().float()
    unit = nn.functional.normalize(vocabulary, dim=-1)
    found = (nn.functional.normalize(prompts.float(), dim=-1) @ unit.T).topk(min(LOOKED_AT, len(unit)))
    cosines, ids = found.values.tolist(), found.indices.tolist()
    nearest = [_nearest(start, *pair) for pair in zip(cosines, ids, strict=True)]
    return PromptFrame(
        step=step,
        norms=rounded(prompts.norm(dim=-1)),
        drift=rounded((prompts - first).norm(dim=-1)),
        words=[[start.words(row[place]) for place in near] for row, near in zip(ids, nearest, strict=True)],
        cosines=[[round(row[place], 3) for place in near] for row, near in zip(cosines, nearest, strict=True)],
        usual_norm=round(float(vocabulary.norm(dim=-1).median()), 4),
        usual_cosine=round(_usual_cosine(unit), 3),
        stride=None if stride is None else round(stride, 5),
    )


def _nearest(start: Start, cosines: Sequence[float], ids: Sequence[int]) -> list[int]:
    """Places of three entries: the nearest ones that are whole words or the vector itself, then whatever is nearest."""
    same = (place for place, cosine in enumerate(cosines) if cosine > SAME or is_word(start.base.tokenizer, ids[place]))
    words = list(islice(same, 3))
    return words + [place for place in range(len(ids)) if place not in words][: 3 - len(words)]


def probe_virtual_tokens(view: View, probe_input: ProbeInput, count: int, shape: ModelShape) -> VirtualTokenReport:
    """How the sentence's tokens spread their attention over `count` virtual tokens, in front of them or among them.

    Raises:
        ModelError: The family's attention cannot be observed.
    """
    if shape.family.attention is None:
        raise ModelError(
            "attention_unseen",
            f"Who looks at the virtual tokens stays unseen on {shape.model_type} models: their attention cannot be "
            "observed. Training and chat work as ever.",
            family=shape.model_type,
        )
    seen: dict[int, Float[Tensor, "h t p"]] = {}

    def observe(layer: int, site: AttentionSite, record: AttentionRecord) -> None:
        assert site.context.virtual is not None
        virtual = site.context.virtual[0]
        if not bool(virtual.any()):  # at strength 0 the text looks at no virtual token
            seen[layer] = record.query.new_zeros(shape.h, len(probe_input.tokens), count)
            return
        joined = record.key.shape[2] - len(virtual)  # keys that another method puts in front of all
        asked = text_scores(record, site.scale).softmax(-1)[:, -len(probe_input.tokens) :, joined:][..., virtual]
        seen[layer] = nn.functional.pad(asked, (0, count - asked.shape[-1]))  # a long sentence may have lost slots

    for layer, site in enumerate(view.sites.attention):
        site.observers.append(partial(observe, layer))
    probe_input.run()
    return virtual_token_report(probe_input, [seen[layer] for layer in sorted(seen)])


def virtual_token_report(probe_input: ProbeInput, attention: Sequence[Float[Tensor, "h t p"]]) -> VirtualTokenReport:
    """The report on the attention that every layer's queries give to each virtual token."""
    masses = [of_layer.sum(-1) for of_layer in attention]
    return VirtualTokenReport(
        tokens=probe_input.tokens,
        layers=list(range(len(attention))),
        weights=[
            rounded(of_layer / mass[..., None].clamp(min=1e-9))
            for of_layer, mass in zip(attention, masses, strict=True)
        ],
        mass=[rounded(mass) for mass in masses],
    )


def _usual_cosine(unit: Float[Tensor, "v d"]) -> float:
    """Median cosine of a vocabulary entry to its nearest neighbour, from a sample of 256 entries."""
    sample = unit[:: max(1, len(unit) // 256)]
    return float((sample @ unit.T).topk(2).values[:, 1].median())
