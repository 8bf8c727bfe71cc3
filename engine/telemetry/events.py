"""What training says about itself: typed, frozen values, one class per kind of news.

Events are pure values (numbers, text, nested lists): identity, storage and drawing are someone else's concern. What
methods say is in `method_frames`; how both become JSON in `as_json`.
"""

from dataclasses import dataclass, field
from typing import ClassVar


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
class SampleEvent(Event):
    """The same question asked again: the greedy answer of the model as it is after `step` updates.

    Attributes:
        prompt: The question, of the first validation row; of a picture its name.
        answer: What the model says.
        reference: What the row says.
        picture: A small copy of the picture that is asked about, as a data URL; empty where a text is.
    """

    kind: ClassVar[str] = "sample"
    prompt: str
    answer: str
    reference: str
    picture: str = ""


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
