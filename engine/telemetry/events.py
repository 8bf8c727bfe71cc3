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
        loss: Mean cross-entropy of the batch's labelled tokens, in nats, before the update.
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
        validation_loss: Nats per labelled token on the validation split.
        base_ability_loss: Nats per token on held-out plain text: what the model forgets.
    """

    kind: ClassVar[str] = "eval"
    validation_loss: float
    base_ability_loss: float


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
    """Size of a low-rank update relative to the weight it changes.

    Attributes:
        layers: Index of the model layer of each row, lowest first.
        targets: Name of the linear of each column.
        ratio: |scale * B A| / |W| (Frobenius norms), rows = layers, columns = targets.
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
    """

    kind: ClassVar[str] = "prompt"
    norms: list[float]
    drift: list[float]
    words: list[list[str]]
    cosines: Grid
    usual_norm: float
    usual_cosine: float


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
