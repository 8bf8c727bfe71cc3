"""What crosses between the engine and a page: plain, frozen values. Nothing here needs torch."""

from dataclasses import dataclass, fields
from typing import Any

from engine.core.sampling import Sampling


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInfo:
    """A model on this machine.

    Attributes:
        parameters: Numbers in its files.
        size_mb: Of its weight files.
        source: "shipped", "folder", or "cache" for one that was fetched from the hub.
    """

    name: str
    title: str
    family: str
    parameters: int
    size_mb: float
    path: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetInfo:
    """A dataset that ships.

    Attributes:
        title: By language; the first is the one that everyone falls back to.
        summary: One sentence by language, likewise.
        metric: How held-out answers are scored.
        splits: Rows of each split.
        chips: Three questions to try in the chat.
        labels: What a task head can choose from; None where it has nothing to say, empty where it estimates a number.
    """

    name: str
    title: dict[str, str]
    summary: dict[str, str]
    metric: str
    splits: dict[str, int]
    chips: list[str]
    labels: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How many parameters would train, by group, out of how many."""

    trainable: int
    total: int
    groups: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryInfo:
    """Memory that a run would take, in bytes by purpose, at the highest moment of a training step.

    Not everything is there at that moment: gradients come as activations go. Gradients and logits are given the room
    that they need at some time, and activations what the highest moment needs beyond it, so that the sum is right.

    Attributes:
        weights: The frozen base in its precision.
        quantisation: Scales of an 8-bit or 4-bit base.
        adapter: What trains, in fp32.
        gradients: Room of all its gradients.
        optimiser: AdamW's state.
        activations: What else a step holds: mostly what the backward pass needs.
        logits: Room of the labelled tokens' scores over the vocabulary in fp32, and their gradient.
        kv_cache: Keys and values of a chat of two sides; it is held between steps, so not at the same time as
            activations and logits, and `total` leaves it out.
        total: All but kv_cache.
        device: "cpu" or "cuda".
        free: What the device has left for a run.
        capacity: All that it has.
        verdict: "fits" (even if the estimate were 15 % short), "tight", or "will not fit".
        rows: Rows that are computed at once.
        length: Tokens of the longest row.
    """

    weights: int
    quantisation: int
    adapter: int
    gradients: int
    optimiser: int
    activations: int
    logits: int
    kv_cache: int
    total: int
    device: str
    free: int
    capacity: int
    verdict: str
    rows: int
    length: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewRow:
    """One training row as the model sees it.

    Attributes:
        tokens: Readable text of each token, and whether it carries a label; none of a picture.
        picture: Where the picture lies that is asked about; then the prompt is its name. Empty for text.
    """

    prompt: str
    response: str
    tokens: list[tuple[str, bool]]
    picture: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """What is in a file or a hub dataset, before anybody says what it is for.

    Attributes:
        columns: Their names, with the beginning of what stands in the first row; empty for a folder that has a
            description of its own.
        guess: What the data settings "prompt", "input", "response" and "messages" would be; empty texts where nothing
            can be guessed.
        sure: Whether the columns' names told; else a person should look.
        rows: Rows that were read of it.
        cut: Whether it has more than the limit.
        pictures: Whether it is a folder of pictures, which has no columns to choose.
    """

    columns: dict[str, str]
    guess: dict[str, str]
    sure: bool
    rows: int
    cut: bool
    pictures: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DataPreview:
    """What a run would train on.

    Attributes:
        rows: Its first training rows, in the template that the run uses, cut where the run cuts them.
        report: Counts over all rows, see `engine.data.report.DataReport`; of pictures, where its "kind" is "pictures",
            see `engine.data.picture_report.PictureReport`.
        name: What it is called: the file, the folder, or the hub dataset.
        summary: One sentence by language, where its description has one; else empty.
        asked: Names of the columns that are asked; none where there is a description.
        answered: Name of the column that is answered; empty likewise.
        labels: As in `DatasetInfo`.
        limit: Longest row in tokens; a model's own limit may be lower than the setting.
    """

    rows: list[PreviewRow]
    report: dict[str, Any]
    name: str
    summary: dict[str, str]
    asked: tuple[str, ...]
    answered: str
    labels: tuple[str, ...] | None
    limit: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveStatus:
    """What is going on right now.

    Attributes:
        status: "idle", "loading", "running", "paused" or "stopping".
        run: Id of the active run, None when idle.
        eta_s: Seconds left at the present speed, None when unknown.
        warming: How much is done of what the method does once before its first step, 0 to 1; None at all other times.
        model: The model of the active run, else the one loaded last, else "".
        message: What went wrong with the run that ended last, in English, else "".
        problem: The same as `WorkbenchError.to_dict`, for the page's language; None if it was no such error.
    """

    status: str = "idle"
    run: str | None = None
    name: str = ""
    step: int = 0
    steps: int = 0
    steps_per_s: float = 0.0
    eta_s: float | None = None
    warming: float | None = None
    model: str = ""
    precision: str = ""
    size_mb: float = 0.0
    message: str = ""
    problem: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSummary:
    """One line of the history.

    Attributes:
        id: Folder name.
        status: "loading", "running", "paused", "stopped", "finished", "failed" or "interrupted".
        recording: Ships with the workbench: cannot be renamed, deleted or resumed.
        best_validation: Lowest validation loss so far, nats per token.
        kept_step: Updates that made the adapter which the run gives away; None while there is none.
        size_bytes: Of the adapter.
        created: Seconds since the epoch.
        emits: Kinds of events that decide which panels appear: "gates", "updates", "prompt".
        labels: What its task head chooses from; empty when it estimates a number, None without a head.
        pictures: Whether it reads pictures.
        chips: Questions to try in the chat; None in runs of older versions, which do not say.
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
    pictures: bool = False
    chips: list[str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AdapterInfo:
    """One adapter in the library of its base.

    Attributes:
        id: Name of its run, or of its folder where the run is gone.
        path: Its folder.
        model: Name of the base.
        fingerprint: Hash of the base's weights: adapters with the same one can be switched between.
        dataset: What it learned from; need not be there any more.
        labels: What its task head chooses from; empty when it estimates a number, None without a head.
        step: Updates that made it.
        trainable: Parameters that were trained.
        size_bytes: Of its folder.
        created: Seconds since the epoch.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatSide:
    """One column of the chat.

    Attributes:
        run: Id of a run, None for the untuned base.
        step: A step with a snapshot; None for the newest state (of a live run: as it is at this very step).
        strength: 0 is the base, 1 the trained model.
    """

    run: str | None = None
    step: int | None = None
    strength: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatRequest:
    """One question to all columns. All sides must share one model.

    Attributes:
        template: Wrap the prompt as the run's dataset does (the first side's that has one).
        picture: Path of the picture that is asked about, for models that read pictures; empty for text.
    """

    prompt: str
    sides: tuple[ChatSide, ...]
    sampling: Sampling
    template: bool = True
    picture: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatUpdate:
    """The answers so far.

    Attributes:
        texts: One text per side: an answer, or a line per label where a task head answers. None where the model
            neither writes nor has a head.
        done: Whether this is the last update.
        difference: Mean KL divergence of the last side's next-token distributions from the first side's, in nats, over
            the last side's answer; of a task head that of its labels, from the first side's head or else from the
            same head on the untouched base. None until it is known, or where there is nothing to compare.
        tokens_per_s: Speed over all sides that write.
    """

    texts: tuple[str | None, ...]
    done: bool
    difference: float | None
    tokens_per_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Predicted:
    """How far the held-out rows of a run have been answered.

    Attributes:
        rows: The rows so far, as `engine.evaluation.text.Prediction` has them.
        total: How many rows there are.
    """

    rows: list[dict[str, Any]]
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LossCurves:
    """Losses of a run, (step, nats per token) each, in order."""

    training: list[tuple[int, float]]
    validation: list[tuple[int, float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunUpdate:
    """What is new in a run since a cursor. Fields that are not explained are as in `RunSummary`.

    Attributes:
        message: What went wrong, in English, else "".
        problem: The same as `WorkbenchError.to_dict`; None if it was no such error, or nothing went wrong.
        layered: Whether its method can be switched off in single layers.
        config: As `RunConfig.to_dict` has it.
        memory: Bytes that the run really held, None before it ends: weights (scales included), adapter, optimiser, step
            (the most that a step added) and peak (all of them); device, rows and length of that step's batch.
        early: Whether early stopping ended it before its last step.
        kept: Updates that made the adapter which it gives away, None while there is none.
        epoch: Grows when a run is resumed; the reader then starts again at cursor 0.
        cursor: To be given back in the next call.
        more: Whether further events are waiting: ask again at once.
        events: As in `engine.telemetry.serialise.to_json`.
    """

    run: str
    name: str
    status: str
    message: str
    problem: dict[str, Any] | None
    recording: bool
    emits: list[str]
    layered: bool
    pictures: bool
    steps: int
    config: dict[str, Any]
    memory: dict[str, Any] | None
    early: bool
    kept: int | None
    epoch: int
    cursor: int
    more: bool
    events: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """Every field by its name; all are plain already."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
