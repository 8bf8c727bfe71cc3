"""What training says about itself: typed, frozen values, one class per kind of news.

Events are pure values (numbers, text, nested lists): identity, storage and drawing are someone else's concern.
`to_json` and `from_json` are inverse to each other; the browser reads the same JSON.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar

Grid = list[list[float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """News of one optimiser step. `step` counts finished updates: step 0 is before the first one."""

    kind: ClassVar[str]
    step: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Started(Event):
    """The run began (or went on) at this step.

    Attributes:
        steps: Updates that the run will make in all.
        trainable: Parameters that train.
        total: Parameters of the base.
        wall: Seconds since the epoch.
    """

    kind: ClassVar[str] = "started"
    steps: int
    trainable: int
    total: int
    wall: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LossEvent(Event):
    """One update's training loss.

    Attributes:
        loss: Mean cross-entropy of the batch's labelled tokens (with a task head of its rows, or their mean squared
            error), in nats, before the update; with what it costs that two passes differ, where a method makes two.
        lr: Learning rate of the update.
        grad_norm: Global norm of the gradient before clipping.
        tokens_per_s: Tokens (padding not counted) per second of training time.
        wall_s: Training seconds so far, pauses and chats not counted.
    """

    kind: ClassVar[str] = "loss"
    loss: float
    lr: float
    grad_norm: float
    tokens_per_s: float
    wall_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class EvalEvent(Event):
    """Validation at this step, with the model as it is after `step` updates.

    Attributes:
        validation_loss: Nats per labelled token on the validation split; with a task head nats per row, or the mean
            squared error where it estimates a number.
        base_ability_loss: Nats per token on held-out plain text (of covered tokens where a model fills gaps): what the
            model forgets. None where it cannot be measured.
        score: How well a task head does on the validation split; None without a head.
        score_name: "accuracy" for classes, "pearson" for numbers, empty without a head.
    """

    kind: ClassVar[str] = "eval"
    validation_loss: float
    base_ability_loss: float | None
    score: float | None = None
    score_name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MovedEvent(Event):
    """What moved in this step, by group of parameters (gates, prompts, lora_A ...).

    Attributes:
        groups: Names of the groups.
        grad_norms: Norm of each group's gradient.
        update_norms: Norm of each group's change in this update.
        norms: Norm of each group after the update.
    """

    kind: ClassVar[str] = "moved"
    groups: list[str]
    grad_norms: list[float]
    update_norms: list[float]
    norms: list[float]


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


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleEvent(Event):
    """The same question asked again: the greedy answer of the model as it is after `step` updates."""

    kind: ClassVar[str] = "sample"
    prompt: str
    answer: str
    reference: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SnapshotEvent(Event):
    """The adapter as it is after `step` updates was stored; the page can chat with it."""

    kind: ClassVar[str] = "snapshot"


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusEvent(Event):
    """The run changed its state.

    Attributes:
        status: One of "running", "paused", "stopped", "finished", "failed", "interrupted".
        message: A sentence for the screen when something went wrong, else empty.
    """

    kind: ClassVar[str] = "status"
    status: str
    message: str = field(default="")


EVENTS: dict[str, type[Event]] = {
    cls.kind: cls
    for cls in (
        Started,
        LossEvent,
        EvalEvent,
        MovedEvent,
        GateFrame,
        UpdateFrame,
        PromptFrame,
        PrefixFrame,
        MassFrame,
        AdapterFrame,
        NormFrame,
        ExpertFrame,
        AgreementFrame,
        MaskFrame,
        SideFrame,
        BlendFrame,
        LadderFrame,
        RungFrame,
        SampleEvent,
        SnapshotEvent,
        StatusEvent,
    )
}


def to_json(event: Event) -> dict[str, Any]:
    """Plain values of an event, with its kind."""
    return {"kind": event.kind, **dataclasses.asdict(event)}


def from_json(values: dict[str, Any]) -> Event:
    """The event that `to_json` described.

    Raises:
        KeyError: The kind is unknown.
        TypeError: A field is missing or not known.
    """
    values = dict(values)
    return EVENTS[values.pop("kind")](**values)
