"""Values that the engine and the page exchange: plain and frozen. Needs no torch."""

from dataclasses import dataclass, fields
from typing import Any

from engine.core.sampling import Sampling


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInfo:
    """A model on this machine.

    Attributes:
        parameters: Number of parameters in its files.
        size_mb: Size of its weight files.
        source: "shipped", "folder", or "cache" for one in the hub's cache.
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
        title: By language; the first is the fallback.
        summary: One sentence by language, likewise.
        metric: Metric of the test rows.
        splits: Number of rows of each split.
        chips: Three prompts that the chat suggests.
        labels: Labels of a task head; None where no head applies, empty where it predicts a number.
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
    """Number of parameters that would be trained, in all and by group, and of the whole model."""

    trainable: int
    total: int
    groups: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryInfo:
    """Memory that a run would take, in bytes by purpose, at the peak of a training step.

    Gradients and logits may not all exist at the peak: gradients are allocated as activations are freed. Both count
    with their own maximum, and activations with the rest of the peak, so that the sum is right.

    Attributes:
        weights: The frozen base in its precision.
        quantisation: Scales of an 8-bit or 4-bit base.
        adapter: The trained parameters, in fp32.
        gradients: Gradients of all trained parameters.
        optimiser: AdamW's state.
        activations: The rest of a step's peak: mostly tensors saved for the backward pass.
        logits: Logits of the labelled tokens in fp32, and their gradient.
        kv_cache: Keys and values of a chat of two columns. It is allocated between steps, so never together with
            activations and logits; `total` excludes it.
        total: Sum of all but kv_cache.
        device: "cpu" or "cuda".
        free: Bytes of the device that are available to a run.
        capacity: All bytes of the device.
        verdict: "fits" (including a margin of 15 %), "tight", or "will not fit".
        rows: Rows of a micro batch.
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
        tokens: Readable text of each token, and whether it is labelled; empty for a picture.
        picture: Path of the row's picture, whose name is then the prompt; empty for text.
    """

    prompt: str
    response: str
    tokens: list[tuple[str, bool]]
    picture: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """Contents of a file or a hub dataset, with the detected roles of its columns.

    Attributes:
        columns: Their names, with the beginning of their values in the first row; empty for a folder that has its
            description file.
        guess: Detected values of the data settings "prompt", "input", "response" and "messages"; empty where none is
            detected.
        sure: Whether the names of the columns determine their roles; else the user should check them.
        rows: Number of rows read.
        cut: Whether it has more rows than the limit.
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
    """Preview of a run's training data.

    Attributes:
        rows: Its first training rows, in the run's template and truncated as in training.
        report: Counts over all rows, see `engine.data.report.DataReport`; of pictures, where its "kind" is "pictures",
            see `engine.data.picture_report.PictureReport`.
        name: Name of the file, the folder, or the hub dataset.
        summary: One sentence by language, where its description has one; else empty.
        asked: Names of the prompt's columns; none where there is a description.
        answered: Name of the response's column; empty likewise.
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
    """State of the worker: the active run and the loaded model.

    Attributes:
        status: "idle", "loading", "running", "paused" or "stopping".
        run: Id of the active run, None when idle.
        eta_s: Estimated seconds to the end, None when unknown.
        warming: Progress of the method's warm-up before its first step, 0 to 1; None at all other times.
        model: The model of the active run, else the one loaded last, else "".
        message: The error that ended the last run, in English, else "".
        problem: The same as `WorkbenchError.to_dict`, for translation; None for any other error.
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
        status: "loading", "running", "paused", "stopped", "finished", "failed", "interrupted" or "damaged".
        recording: Whether it ships with the workbench: such a run cannot be renamed, deleted or resumed.
        best_validation: Lowest validation loss so far, nats per token.
        kept_step: Step of the state in the run's adapter folder; None while there is none.
        size_bytes: Size of the adapter.
        created: Seconds since the epoch.
        emits: Kinds of events that decide which panels appear: "gates", "updates", "prompt".
        labels: Labels of its task head; empty when it predicts a number, None without a head.
        pictures: Whether it reads pictures.
        chips: Prompts that the chat suggests; None in runs of older versions, which do not store them.
        problem: `WorkbenchError.to_dict` of what is wrong with a damaged run; None otherwise.
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
    problem: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AdapterInfo:
    """One adapter of a base.

    Attributes:
        id: Name of its run, or of its folder where the run was deleted.
        path: Its folder.
        model: Name of the base.
        fingerprint: Hash of the base's weights: adapters with the same one share a loaded base.
        dataset: Its training data, which may have been deleted.
        labels: Labels of its task head; empty when it predicts a number, None without a head.
        step: Updates after which it was saved.
        trainable: Parameters that were trained.
        size_bytes: Size of its folder.
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
        step: A step with a snapshot; None for the newest state (of an active run: the present parameters).
        strength: 0 is the base, 1 the trained model.
    """

    run: str | None = None
    step: int | None = None
    strength: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatRequest:
    """One prompt to all columns of the chat, which must share one model.

    Attributes:
        template: Put the prompt into the template of the side's run, else of the first side that has one.
        picture: Path of the picture to classify, for models that read pictures; empty for text.
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
        texts: One text per side: an answer, or a line per label for a task head. None where the model cannot generate
            and has no head.
        done: Whether this is the last update.
        difference: Mean KL divergence of the last side's next-token distributions from the first side's, in nats, over
            the last side's answer; for a task head, that of its label distribution from the first side's head, or else
            from the same head on the untuned base. None until it is known, or where it is undefined.
        tokens_per_s: Tokens per second, summed over all sides that generate.
    """

    texts: tuple[str | None, ...]
    done: bool
    difference: float | None
    tokens_per_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Predicted:
    """Predictions for the test rows of a run, as far as they have been made.

    Attributes:
        rows: The predictions so far, with the fields of `engine.evaluation.text.Prediction`.
        total: Number of all test rows.
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
    """Facts of a run, and its events since a cursor. Fields that are not explained are as in `RunSummary`.

    Attributes:
        message: The error that ended it, in English, else "".
        problem: The same as `WorkbenchError.to_dict`; None for any other error, or without one.
        layered: Whether its method can be switched off in single layers.
        config: As `RunConfig.to_dict` has it.
        memory: Measured bytes, None before the run ends: weights (scales included), adapter, optimiser, step (maximum
            that a step added) and peak (their sum); also device, and rows and length of that step's batch.
        early: Whether early stopping ended it before its last step.
        kept: Step of the state in its adapter folder, None while there is none.
        epoch: Incremented when a run is resumed; the reader then starts again at cursor 0.
        cursor: To be passed to the next call.
        more: Whether there are further events: the next call need not wait.
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
        """Every field by its name; all are plain values."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
