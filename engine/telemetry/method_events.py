"""What methods report while they train: one class per kind of frame, each a typed, frozen value.

A frame is an event that shows the state of a method at one step. A frame of the parameters alone is made at the steps
that `schedule` chooses, one that needs a forward of the run's sample sentence (or picture) at every validation. Layers
are numbered from 0, the lowest. In shapes, l is the layers of the frame, h the model's heads, t the sentence's tokens.
"""

from dataclasses import dataclass
from typing import ClassVar

from engine.telemetry.events import Event

Grid = list[list[float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class GateFrame(Event):
    """The gates of zero-init attention.

    Attributes:
        layers: The adapted layers, lowest first, (l,).
        gate: Effective gate (tanh(g), or g with the identity), (l, h); (l, 1) where the heads share one gate.
        grad: Gradient of the raw gate g in the last update, same shape.
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
        layers: The layers in which the method acts, lowest first, (l,).
        targets: Names of the linears, sub-layers or norms, (n,).
        ratio: LoRA and its kin: |W' - W| / |W| (Frobenius norms; of DoRA without its lengths). OFT: |R - I| / |I|.
            (IA)^3: root mean square of l - 1. Bias tuning: |b| / |y|; LoReFT: |h' - h| / |h|; both mean
            over the tokens of the run's sample sentence. (l, n)
    """

    kind: ClassVar[str] = "updates"
    layers: list[int]
    targets: list[str]
    ratio: Grid


@dataclass(frozen=True, kw_only=True, slots=True)
class RankFrame(Event):
    """How many directions each update has left.

    Attributes:
        layers: The layers in which the method acts, lowest first, (l,).
        targets: Names of the linears, (n,).
        ranks: Rank of each update after the last cut, (l, n).
        mean: Mean of all ranks.
    """

    kind: ClassVar[str] = "ranks"
    layers: list[int]
    targets: list[str]
    ranks: Grid
    mean: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptFrame(Event):
    """The soft prompt of p virtual tokens.

    Attributes:
        norms: Norm of each prompt vector, (p,).
        drift: Distance of each vector from where it started, (p,).
        words: The three words of the vocabulary nearest to each vector by cosine, as text, nearest first, (p, 3).
            Pieces of words stand where fewer than three are near, or where the vector is that very piece.
        cosines: Their cosines, (p, 3).
        usual_norm: Median norm of a vocabulary embedding, for comparison.
        usual_cosine: Median cosine of a vocabulary embedding to its own nearest neighbour.
        stride: Distance of the whole prompt from that of the frame before, where an encoder makes it: the size of one
            update while every step has a frame. None where the vectors train directly.
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
class TriggerFrame(Event):
    """The words of a searched trigger, and what its last iteration tried: one place, some candidates for it.

    Attributes:
        words: The trigger's tokens as text, after the iteration, (k,).
        same: Whether the trigger's text, typed, becomes these very tokens.
        place: Index of the place that was searched; None where nothing has been searched yet.
        before: The word that stood there.
        loss: Mean loss of the trigger with that word, on the fresh batches of this iteration.
        candidates: The words that were tried there, the one with the best estimate first, (n,).
        predicted: Estimated change of the loss by each candidate, from the gradient alone, (n,).
        actual: Measured change of the loss by each, on the same fresh batches, (n,).
        taken: Index of the candidate that stands there now; None where the word stayed.
    """

    kind: ClassVar[str] = "trigger"
    words: list[str]
    same: bool
    place: int | None
    before: str
    loss: float | None
    candidates: list[str]
    predicted: list[float]
    actual: list[float]
    taken: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PrefixFrame(Event):
    """The learned keys and values in front of the text, and how far they moved.

    Attributes:
        keys: Norm of the keys of each layer, lowest first, (l,).
        values: Norm of the values of each layer, (l,).
        norm: Norm of the whole prefix.
        moved: Distance of the whole prefix from where it started.
        stride: Distance of the whole prefix from that of the frame before: the size of one update while every step has
            a frame.
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
        mass: Share of the prefix in the softmax (lambda), 0 to 1, mean over the sentence's tokens; layers lowest first,
            (l, h).
        even: What the share would be if every visible position got the same, 0 to 1.
    """

    kind: ClassVar[str] = "mass"
    mass: Grid
    even: float


@dataclass(frozen=True, kw_only=True, slots=True)
class AdapterFrame(Event):
    """The bottlenecks after the sub-layers, and beside the MLP, on the run's sample sentence.

    Attributes:
        layers: The layers that have some, lowest first, (l,).
        parts: The sub-layers that have one: "attention", "mlp", or "parallel" for the one beside the MLP, (n,).
        share: |A(h) - h| / |h|, h the sub-layer's output, mean over the sentence's tokens, (l, n).
        asleep: Share of the bottleneck's units that are inactive (not above zero) at every token of the sentence, 0 to
            1, (l, n).
    """

    kind: ClassVar[str] = "adapters"
    layers: list[int]
    parts: list[str]
    share: Grid
    asleep: Grid


@dataclass(frozen=True, kw_only=True, slots=True)
class NormFrame(Event):
    """How far the tuned norms moved from the frozen ones.

    Attributes:
        norms: Path of each norm in the model, lowest first, (n,).
        gamma: Root mean square change of each norm's gain, (n,).
        beta: Root mean square change of each norm's bias, 0 where it has none, (n,).
    """

    kind: ClassVar[str] = "norms"
    norms: list[str]
    gamma: list[float]
    beta: list[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpertFrame(Event):
    """How often each of e experts was sampled so far, and how similar they have become, at n places of the model.

    Attributes:
        layers: The layer of each place, lowest first, (n,).
        targets: The sub-layer or linear of each place, (n,).
        pools: Names of the pools that have several experts: "down", "up", (pools,).
        counts: How often random routing sampled each expert in training, (pools, n, e).
        chi_square: Chi-square statistic of each place's counts against equal ones, with e - 1 degrees of freedom: about
            e - 1 by chance alone, (pools, n).
        cosine: Mean cosine between the weights of two different experts, (pools, n).
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
    """Where random routes through the experts predict different tokens, on the run's sample sentence.

    Attributes:
        tokens: The sentence's tokens as text; what is predicted at a token is the one after it. (t,)
        between: Half the sum of both KL divergences of two random routes at each token, mean over four pairs, in nats.
            This is what the consistency loss makes small, though on the answer's tokens alone. (t,)
        from_average: KL divergence of a random route from the averaged experts at each token, mean over eight routes,
            in nats, (t,).
    """

    kind: ClassVar[str] = "agreement"
    tokens: list[str]
    between: list[float]
    from_average: list[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskFrame(Event):
    """The learned masks: which share of the weights is masked, and how the scores lie around the threshold.

    Attributes:
        layers: The masked layers, lowest first, (l,).
        targets: Names of the masked linears, (n,).
        off: Share of the weights that are masked to zero, 0 to 1, (l, n).
        flipped: Share of the weights whose mask differs from that at the start, 0 to 1, (l, n).
        threshold: A weight is kept while its score lies above this.
        edges: Borders of the histogram's bins, the same in all frames, (bins + 1,).
        counts: How many of a fixed sample of scores lie in each bin; the outer bins hold all beyond. (bins,)
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
        base_share: sigma(alpha), the weight of the base, 0 to 1; the side network has the rest.
        grad: Gradient of alpha in the last update.
    """

    kind: ClassVar[str] = "side"
    base_share: float
    grad: float


@dataclass(frozen=True, kw_only=True, slots=True)
class BlendFrame(Event):
    """The last hidden states of the base B and of the side network S, on the run's sample sentence.

    Attributes:
        ratio: |S| / |B|, mean over the sentence's tokens.
        cosine: Cosine between S and B, mean over the tokens.
        base: Share of the tokens after which base and blend predict the same next token, 0 to 1.
        side: Share of the tokens after which side network and blend predict the same next token, 0 to 1.
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
        layers: The layer of each gate, lowest first, (l,).
        kept: mu, the share of its own state that the side network keeps at each layer, 0 to 1; the rest comes from the
            backbone. (l,)
        grad: Gradient of each raw gate in the last update, (l,).
    """

    kind: ClassVar[str] = "ladder"
    layers: list[int]
    kept: list[float]
    grad: list[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class RungFrame(Event):
    """What the ladder takes from the backbone and what it adds to it, on the run's sample sentence.

    Attributes:
        layers: The layer of each rung, lowest first, (l,).
        fresh: |(1 - mu) down(h)| / (that + |mu s|): the share of a mixed state that comes from the backbone, 0 to 1,
            mean over the tokens, (l,).
        added: |what the ladder adds| / |h| at the last states, mean over the tokens.
    """

    kind: ClassVar[str] = "rungs"
    layers: list[int]
    fresh: list[float]
    added: float
