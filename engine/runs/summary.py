"""A run, and the adapter that it left, as one line of a list."""

from dataclasses import dataclass, field
from typing import Any

from engine.runs.score import RunScore


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSummary:
    """One line of the history.

    Attributes:
        id: Folder name.
        status: "loading", "running", "paused", "stopped", "finished", "failed", "interrupted" or "damaged".
        recording: Whether it ships with the workbench: such a run cannot be renamed, deleted or resumed.
        best_validation: Lowest validation loss so far, nats per token.
        kept_step: Step of the state in the run's adapter folder; None while there is none.
        size_bytes: Size of the adapter.
        created: Seconds since the epoch.
        emits: Kinds of events that decide which panels appear: "gates", "updates", "prompt".
        labels: Labels of its task head; empty when it predicts a number or marks answers, None without a head.
        marks: Whether its task head marks answers in texts.
        pictures: Whether it reads pictures.
        sees_pictures: Whether it reads text, and its adapter sees a picture beside it.
        chips: Prompts that the chat suggests; None in runs of older versions, which do not store them.
        problem: `WorkbenchError.to_dict` of what is wrong with a damaged run; None otherwise.
        score: Of the state that it kept, as `RunScore`; None where it was not scored.
        forgetting: Rise of the loss on plain text, in nats per token; None where it was not measured.
        wall_s: Seconds of training; None before the run has ended.
        seed: Its random seed; None where its config cannot be read.
        learning_rate: Its highest; None in runs of older versions.
        owner: Who started it, on a server with several visitors; empty otherwise.
        tags: Words that it has in common with others.
        text: The words that it has found, where its method finds words; empty otherwise.
        place: URL of where it is, for a run of another machine of which this is a copy; empty for one of this machine.
    """

    id: str
    name: str
    notes: str
    status: str
    recording: bool
    model: str
    method: str
    dataset: str
    step: int
    steps: int
    best_validation: float | None
    kept_step: int | None
    trainable: int
    size_bytes: int
    created: float
    emits: list[str]
    labels: tuple[str, ...] | None
    marks: bool = False
    pictures: bool = False
    sees_pictures: bool = False
    chips: list[str] | None = None
    problem: dict[str, Any] | None = None
    score: RunScore | None = None
    forgetting: float | None = None
    wall_s: float | None = None
    seed: int | None = None
    learning_rate: float | None = None
    owner: str = ""
    tags: list[str] = field(default_factory=list)
    text: str = ""
    place: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AdapterInfo:
    """One adapter of a base.

    Attributes:
        id: Name of its run, or of its folder where the run was deleted.
        path: Its folder.
        model: Name of the base.
        fingerprint: Hash of the base's weights: adapters with the same one share a loaded base.
        dataset: Its training data, which may have been deleted.
        labels: Labels of its task head; empty when it predicts a number or marks answers, None without a head.
        step: Updates after which it was saved.
        trainable: Parameters that were trained.
        size_bytes: Size of its folder.
        created: Seconds since the epoch.
        marks: Whether its task head marks answers in texts.
    """

    id: str
    name: str
    path: str
    model: str
    fingerprint: str
    method: str
    dataset: str
    labels: tuple[str, ...] | None
    step: int
    trainable: int
    size_bytes: int
    created: float
    marks: bool = False
