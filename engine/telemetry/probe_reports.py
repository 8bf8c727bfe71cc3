"""What a method answers when one asks how it acts on one input: one class per kind, each a typed, frozen value.

A report is made when somebody asks and is not stored; what training itself says are events. Shares and ratios have no
unit. Layers are numbered from 0, the lowest. In shapes, l is the layers of the report, h the model's heads, t the
tokens of the input (the class token and the patches of a picture) and p the prompts or virtual tokens.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from engine.telemetry.method_events import Grid

Cube = list[Grid]

Network = Literal["base", "side", "blend"]

Sight = Literal["seen", "withheld", "other"]
"""Which picture stands beside a question: the row's, none, or another row's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """An answer, which `serialise.to_json` turns into JSON. A field that does not apply is None and left out there."""

    kind: ClassVar[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeReport(Report):
    """How one input uses a method.

    Attributes:
        tokens: The input's tokens as readable text, (t,). A virtual token of a template is its number in brackets, the
            class token of a picture "[CLS]", and a patch its row and column, counted from 1.
        cut: True where the input has more tokens than these, which were not read.
    """

    tokens: list[str]
    cut: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AdaptionPromptReport(ProbeReport):
    """How much the adaption prompts of zero-init attention add, and which of them each token attends to.

    Attributes:
        layers: The adapted layers, (l,).
        weights: Softmax of each token's scores over the prompts alone, (l, h, t, p); its sum over p is 1.
        contribution: |what the prompts add| / |output of the frozen attention|, (l, h, t).
    """

    kind: ClassVar[str] = "prompts"
    layers: list[int]
    weights: list[Cube]
    contribution: Cube


@dataclass(frozen=True, kw_only=True, slots=True)
class VirtualTokenReport(ProbeReport):
    """How much of the attention goes to a soft prompt or a prefix, and how it is spread there.

    Attributes:
        layers: All layers, (l,).
        weights: Share of each virtual token in what goes to all of them, (l, h, t, p); its sum over p is 1, or 0 where
            nothing goes there.
        mass: Share of the virtual tokens in each token's attention, 0 to 1, (l, h, t).
    """

    kind: ClassVar[str] = "soft"
    layers: list[int]
    weights: list[Cube]
    mass: Cube


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeReport(ProbeReport):
    """How much the method changes what modules take in or give out.

    Attributes:
        layers: The layers in which it acts, (l,).
        targets: Names of the linears, sub-layers or norms, (n,).
        contribution: |change| / |what the frozen model has there|, (l, n, t).
    """

    kind: ClassVar[str] = "updates"
    layers: list[int]
    targets: list[str]
    contribution: Cube


@dataclass(frozen=True, kw_only=True, slots=True)
class RungReport(ProbeReport):
    """What a ladder side network takes from the backbone, and what it adds to it.

    Attributes:
        layers: All layers, (l,).
        fresh: Share of a mixed state that comes from the backbone at this layer, 0 to 1, (l, t).
        added: |what the ladder adds| / |last hidden state of the backbone|, (t,).
    """

    kind: ClassVar[str] = "rungs"
    layers: list[int]
    fresh: Grid
    added: list[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class BlendReport(ProbeReport):
    """The last hidden states of the base B, of the side network S, and of their blend.

    Attributes:
        ratio: |S| / |B|, (t,).
        cosine: Cosine between S and B, (t,).
        next: The likeliest next token after each token, as text, by the network that says it, (t,) each; None where
            the model reads pictures, whose patches have no next token.
    """

    kind: ClassVar[str] = "blend"
    ratio: list[float]
    cosine: list[float]
    next: dict[Network, list[str]] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TogetherReport(ProbeReport):
    """How one input uses several methods on one base.

    Attributes:
        reports: What each part says, by the name of its method, in the order in which they are attached.
    """

    kind: ClassVar[str] = "together"
    reports: dict[str, ProbeReport]


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureProbe:
    """How one picture uses a method; in JSON the report's fields stand beside these.

    Attributes:
        report: With a token for the class token and one per patch.
        side: Patches in a row of the picture, and rows.
        picture: What the model reads, cut and scaled by its image processor, as a data URL of a PNG.
        verdict: What the task head says: (label, probability), likeliest first; empty where it estimates a number,
            None without a head.
        name: The picture's name in its dataset.
        names: Of all pictures that can be asked about.
    """

    report: ProbeReport
    side: int
    picture: str
    verdict: list[tuple[str, float]] | None = None
    name: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class BesideReport(ProbeReport):
    """What a picture beside a question changes. The tokens are the question's, in its template.

    Attributes:
        question: What is asked: the row's, or the visitor's own.
        reference: The answer that it should get; empty where the question or the picture is the visitor's own.
        answers: The likeliest answer with the picture, with none, and with another one.
        layers: The adapted layers, (l,).
        weights: As in `AdaptionPromptReport`, with the picture, (l, h, t, p).
        loudness: |what the prompts add| / |output of the frozen attention|, with the picture, mean of all tokens,
            (l, h).
        withheld: The same without a picture, (l, h).
        picture: What the vision encoder reads, cut and scaled by its image processor, as a data URL of a PNG.
        other: A small copy of the other picture as a data URL; empty where there is none.
        side: Patches in a row of the picture, and rows.
        depths: Layers of the encoder that features are taken from, counted from 1, (m,).
        looks: Attention of the class token to each patch in these layers (without one that of all patches), mean of all
            heads, (m, side * side); empty where patches form no square.
        row: The row's number among those with a picture.
        rows: Questions of all that can be asked about.
    """

    kind: ClassVar[str] = "beside"
    question: str
    reference: str
    answers: dict[Sight, str]
    layers: list[int]
    weights: list[Cube]
    loudness: Grid
    withheld: Grid
    picture: str
    other: str
    side: int
    depths: list[int]
    looks: Grid
    row: int
    rows: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerAblation(Report):
    """Validation loss with the method switched off in spans of layers.

    Attributes:
        whole: The loss with all layers on, in nats per labelled token (with a task head in nats per row, or the mean
            squared error where it estimates a number).
        spans: Entry [i][j] is the loss with layers i to j off, in the same unit; None where j < i. (l, l)
    """

    kind: ClassVar[str] = "ablation"
    whole: float
    spans: list[list[float | None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteLosses(Report):
    """Validation loss along routes through a mixture of experts, in the unit of `LayerAblation`.

    Attributes:
        average: With the weights of all experts averaged, as the folded adapter has them.
        experts: With each expert alone in all layers, (experts,).
        random: Along each of the random routes, which stays the same for all rows, (routes,).
    """

    kind: ClassVar[str] = "routes"
    average: float
    experts: list[float]
    random: list[float]


class StrengthPoint(NamedTuple):
    """One point of the strength curve.

    Attributes:
        strength: 0 is the base, 1 the trained model.
        loss: Validation loss there, in the unit of `LayerAblation`.
    """

    strength: float
    loss: float
