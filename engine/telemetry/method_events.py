"""What methods say about themselves: one class per kind of picture, each a typed, frozen value.

A frame is what a method says of one step. Which steps have one is the concern of `schedule`.
"""

from dataclasses import dataclass
from typing import ClassVar

from engine.telemetry.events import Event

Grid = list[list[float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class GateFrame(Event):
    """The gates of zero-init attention.

    Attributes:
        layers: Index of the model layer of each row, lowest first.
        gate: Effective gate (tanh(g), or g with the identity), rows = adapted layers, columns = heads
            (one column when the layer has a single shared gate).
        grad: Gradient of the raw gate in the last update, same shape.
        shared: Whether the layer's heads share one gate.
    """

    kind: ClassVar[str] = "gates"
    layers: list[int]
    gate: Grid
    grad: Grid
    shared: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateFrame(Event):
    """Size of a change relative to what it changes.

    Attributes:
        layers: Index of the model layer of each row, lowest first.
        targets: Name of the linear, or of another place, of each column.
        ratio: Rows = layers, columns = targets. LoRA: |scale * B A| / |W| (Frobenius norms). (IA)^3: root mean square
            of l - 1. Bias tuning: |b| / |y|, mean over the tokens of the run's sample sentence.
    """

    kind: ClassVar[str] = "updates"
    layers: list[int]
    targets: list[str]
    ratio: Grid


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptFrame(Event):
    """The soft prompt, one entry per virtual token.

    Attributes:
        norms: Norm of each prompt vector.
        drift: Distance of each vector from where it started.
        words: The three nearest vocabulary entries by cosine, nearest first.
        cosines: Their cosines.
        usual_norm: Median norm of a vocabulary embedding, for comparison.
        usual_cosine: Median cosine of a vocabulary embedding to its own nearest neighbour.
        stride: Distance of the whole prompt from the frame before, where an encoder makes it: the size of one update
            while every step has a frame. None where the vectors train directly.
    """

    kind: ClassVar[str] = "prompt"
    norms: list[float]
    drift: list[float]
    words: list[list[str]]
    cosines: Grid
    usual_norm: float
    usual_cosine: float
    stride: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PrefixFrame(Event):
    """The learned keys and values in front of the text, and how far they went.

    Attributes:
        keys: Norm of the keys of each layer.
        values: Norm of the values of each layer.
        norm: Norm of the whole prefix.
        moved: Distance of the whole prefix from where it started.
        stride: Distance of the whole prefix from the frame before: the size of one update while every step has a frame.
    """

    kind: ClassVar[str] = "prefix"
    keys: list[float]
    values: list[float]
    norm: float
    moved: float
    stride: float


@dataclass(frozen=True, kw_only=True, slots=True)
class MassFrame(Event):
    """How much of the attention goes to the prefix, on the run's sample sentence.

    Attributes:
        mass: Share of the prefix in the softmax (lambda), mean over the sentence's tokens; rows = layers, lowest
            first, columns = heads.
        even: The share if every visible position got the same.
    """

    kind: ClassVar[str] = "mass"
    mass: Grid
    even: float


@dataclass(frozen=True, kw_only=True, slots=True)
class AdapterFrame(Event):
    """The bottlenecks after the sub-layers, on the run's sample sentence.

    Attributes:
        layers: Index of the model layer of each row, lowest first.
        parts: The sub-layer of each column: "attention", "mlp".
        share: |A(h) - h| / |h|, mean over the sentence's tokens; rows = layers, columns = parts.
        asleep: Share of the bottleneck's units that no token of the sentence drives above zero, same shape.
    """

    kind: ClassVar[str] = "adapters"
    layers: list[int]
    parts: list[str]
    share: Grid
    asleep: Grid


@dataclass(frozen=True, kw_only=True, slots=True)
class NormFrame(Event):
    """How far the tuned norms went from the frozen ones.

    Attributes:
        norms: Path of each norm in the model, lowest first.
        gamma: Root mean square change of each norm's gain.
        beta: Root mean square change of each norm's bias, 0 where it has none.
    """

    kind: ClassVar[str] = "norms"
    norms: list[str]
    gamma: list[float]
    beta: list[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpertFrame(Event):
    """Which experts were drawn so far, and how alike they have become.

    Attributes:
        layers: Index of the model layer of each row, lowest first.
        targets: The sub-layer or linear of each row.
        pools: Names of the pools that have several experts: "down", "up".
        counts: How often each expert was drawn in training; by pool, rows, columns = experts.
        chi_square: Distance of each row's counts from equal ones; by pool. Chance alone makes about experts - 1.
        cosine: Mean cosine between the weights of two experts of each row; by pool.
    """

    kind: ClassVar[str] = "experts"
    layers: list[int]
    targets: list[str]
    pools: list[str]
    counts: list[list[list[int]]]
    chi_square: Grid
    cosine: Grid


@dataclass(frozen=True, kw_only=True, slots=True)
class AgreementFrame(Event):
    """Where random routes through the experts predict different things, on the run's sample sentence, in nats.

    Attributes:
        tokens: The sentence's tokens; what is predicted at a token is the one after it.
        between: Half the sum of both KL divergences of two random routes at each token, mean over four pairs. This is
            what the consistency loss makes small, but for the answer's tokens alone.
        from_average: KL divergence of a random route from the averaged experts at each token, mean over eight routes.
    """

    kind: ClassVar[str] = "agreement"
    tokens: list[str]
    between: list[float]
    from_average: list[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskFrame(Event):
    """The learned masks: which share of the weights is off, and how the scores stand around the threshold.

    Attributes:
        layers: Index of the model layer of each row, lowest first.
        targets: Name of the linear of each column.
        off: Share of the weights that are switched off; rows = layers, columns = targets.
        flipped: Share of the weights that are not what they were at the start (on then, off now, or the reverse).
        threshold: A weight is on while its score lies above this.
        edges: Borders of the histogram's bins, the same in all frames.
        counts: How many of a fixed sample of scores lie in each bin; the outer bins hold all beyond.
    """

    kind: ClassVar[str] = "masks"
    layers: list[int]
    targets: list[str]
    off: Grid
    flipped: Grid
    threshold: float
    edges: list[float]
    counts: list[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class SideFrame(Event):
    """How base and side network are blended.

    Attributes:
        base_share: sigma(alpha), the weight of the base; the side network has the rest.
        grad: Gradient of alpha in the last update.
    """

    kind: ClassVar[str] = "side"
    base_share: float
    grad: float


@dataclass(frozen=True, kw_only=True, slots=True)
class BlendFrame(Event):
    """The side network beside the base, on the run's sample sentence.

    Attributes:
        ratio: |S| / |B|, mean over the sentence's tokens.
        cosine: Cosine between S and B, mean over the tokens.
        base: Share of the tokens after which base and blend would say the same next.
        side: Share of the tokens after which side network and blend would say the same next.
    """

    kind: ClassVar[str] = "blend"
    ratio: float
    cosine: float
    base: float
    side: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LadderFrame(Event):
    """The gates of the ladder's rungs.

    Attributes:
        layers: Index of the model layer of each gate, lowest first.
        kept: mu, how much of its own state the side network keeps at each layer; the rest comes from the backbone.
        grad: Gradient of each raw gate in the last update.
    """

    kind: ClassVar[str] = "ladder"
    layers: list[int]
    kept: list[float]
    grad: list[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class RungFrame(Event):
    """What the ladder reads and what it says, on the run's sample sentence.

    Attributes:
        layers: Index of the model layer of each rung, lowest first.
        fresh: |(1 - mu) down(h)| / (that + |mu s|): what share of a mixed state is fresh from the backbone, mean over
            the tokens.
        added: |what the ladder adds| / |h| at the last states, mean over the tokens.
    """

    kind: ClassVar[str] = "rungs"
    layers: list[int]
    fresh: list[float]
    added: float
