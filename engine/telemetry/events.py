"""What training reports while it runs: typed, frozen values, one class per kind of event.

Events are plain values (numbers, text, lists in lists): they are stored by `engine.runs` and drawn by the browser.
Those of methods are in `method_events`; how both become JSON is in `serialise`. Losses are in nats; norms are
Euclidean and, like shares and ratios, have no unit. A shape in brackets, (l, h), belongs to lists in lists.
"""

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happened at one optimiser step.

    Attributes:
        step: Updates that are finished; 0 is before the first one.
    """

    kind: ClassVar[str]
    step: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Started(Event):
    """The run began, or was resumed, at this step.

    Attributes:
        steps: Updates that the run will make in all.
        trainable: Number of parameters that train.
        total: Number of parameters of the base.
        wall: Time of day, in seconds since 1970 (UTC).
    """

    kind: ClassVar[str] = "started"
    steps: int
    trainable: int
    total: int
    wall: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LossEvent(Event):
    """One update: its loss, and what it took.

    Attributes:
        loss: Mean cross-entropy of the batch's labelled tokens before the update, in nats per token; with a task head
            of the batch's rows, in nats per row, or their mean squared error. Where a method makes two forward passes,
            it includes the consistency loss between them.
        lr: Learning rate of the update.
        grad_norm: Global norm of the gradient before clipping.
        tokens_per_s: Tokens per second of training time, without padding.
        wall_s: Training time so far, in seconds, without pauses and chats.
    """

    kind: ClassVar[str] = "loss"
    loss: float
    lr: float
    grad_norm: float
    tokens_per_s: float
    wall_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class EvalEvent(Event):
    """Validation of the model as it is after `step` updates.

    Attributes:
        validation_loss: Loss on the validation split, in nats per labelled token; with a task head in nats per row, or
            the mean squared error where it estimates a number.
        base_ability_loss: Loss on held-out plain text, in nats per token (per masked token where a masked language
            model reads it); what rises here is forgotten. None where it cannot be measured.
        score: Score of a task head on the validation split: accuracy or F1, 0 to 1, or Pearson correlation, -1 to
            1; None without a head.
        score_name: "accuracy" for classes, "pearson" for numbers, "f1" for answers in texts, empty without a head.
    """

    kind: ClassVar[str] = "eval"
    validation_loss: float
    base_ability_loss: float | None
    score: float | None = None
    score_name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MovedEvent(Event):
    """How far each group of parameters (gates, prompts, lora_A ...) moved in one update.

    Attributes:
        groups: Names of the groups, (n,).
        grad_norms: Norm of each group's gradient, (n,).
        update_norms: Norm of each group's change in this update, (n,).
        norms: Norm of each group after the update, (n,).
    """

    kind: ClassVar[str] = "moved"
    groups: list[str]
    grad_norms: list[float]
    update_norms: list[float]
    norms: list[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleEvent(Event):
    """The greedy answer of the model, as it is after `step` updates, to the run's sample question.

    Attributes:
        prompt: The question, which stays the same during a run; of a picture its name.
        answer: What the model says; with a task head its labels with their probabilities, a line each.
        reference: The answer that the dataset gives.
        picture: A small copy of the picture that is asked about, as a data URL; empty where a text is.
        mark: Where a head marks the answer in the prompt, (beginning, end) in characters; empty where none does.
    """

    kind: ClassVar[str] = "sample"
    prompt: str
    answer: str
    reference: str
    picture: str = ""
    mark: list[int] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class SnapshotEvent(Event):
    """The adapter as it is after `step` updates was stored, so that one can chat with it."""

    kind: ClassVar[str] = "snapshot"


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusEvent(Event):
    """The run changed its state.

    Attributes:
        status: One of "running", "waiting" (for room on a full disk), "paused", "stopped", "finished", "failed",
            "interrupted".
        message: A sentence for the screen when something went wrong, else empty.
    """

    kind: ClassVar[str] = "status"
    status: str
    message: str = field(default="")
