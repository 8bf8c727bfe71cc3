"""Contents of a run's run.json as typed values. Needs no torch: the page's process reads them."""

from dataclasses import dataclass, field, fields
from typing import Any, Self

from engine.config.training import TrainingSettings
from engine.data.head_spec import HeadSpec
from engine.data.shipped import suited_training
from engine.memory.info import MeasuredMemory
from engine.runs.score import RunScore
from engine.runs.typed import checked, hints_of, optional

NESTED = ("base", "head", "memory", "score", "other")
"""Entries with a type of their own."""

LAST_TIME = 2.5e11
"""The last second that calendars know; no run was created after it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseFacts:
    """The base of a run.

    Attributes:
        name: As the config names it.
        fingerprint: Digest of its weights.
        parameters: Number of its parameters.
        processor: Digest of its tokenizer and chat template, or image processor; empty in runs of older versions.
    """

    name: str = ""
    fingerprint: str = ""
    parameters: int = 0
    processor: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFacts:
    """Contents of run.json. Entries that an older file lacks have the defaults given here.

    Attributes:
        name: Display name of the run.
        notes: Notes that the user wrote about it.
        created: Seconds since the epoch.
        status: "loading", "running", "paused", "stopped", "finished" or "failed", as last written.
        message: English sentence about the status; usually empty.
        epoch: How often the run was resumed; a cursor into the event log becomes invalid when it changes.
        step: Finished updates at the newest checkpoint.
        config: The `RunConfig` as plain values, unchecked and possibly with former names of settings.
        base: Its base.
        trainable: Number of trained parameters.
        steps: Updates of the whole run.
        learning_rate: Its highest; None in runs of older versions.
        emits: Kinds of event that the method emits in addition to those of every run.
        layered: Whether these events are per layer.
        best_validation: Lowest validation loss so far, in nats.
        kept_step: Step of the state in the run's adapter folder.
        text: The words that this state comes to, where a method finds words; empty otherwise.
        stopped_early: Whether early stopping ended it.
        head: Its task head; None without one.
        template: Text around a prompt; None in runs of older versions.
        pictures: Whether it reads pictures.
        chips: Prompts that the chat suggests; None in runs of older versions.
        problem: `WorkbenchError.to_dict` of the error that ended it; None otherwise.
        memory: What it held; None before the run has ended.
        wall_s: Seconds of training; None before the run has ended.
        score: Of the state that it kept, on held-out rows; None before the run has ended, and where it was not scored.
        forgetting: Rise of the loss on plain text up to that state, in nats per token; None where it was not measured.
        data: Fingerprint of each split of its dataset; empty in runs of older versions.
        owner: Who started it, on a server with several visitors; empty otherwise.
        sorted_batches: Batches whose rows are sorted by length together; always eight in older versions.
        tags: Words that it has in common with others, such as those of one learning-rate ladder.
        other: Entries of the file that this version does not know; they are preserved when it is rewritten.
    """

    name: str = ""
    notes: str = ""
    created: float = 0.0
    status: str = "loading"
    message: str = ""
    epoch: int = 0
    step: int = 0
    config: dict[str, Any] = field(default_factory=dict)
    base: BaseFacts = field(default_factory=BaseFacts)
    trainable: int = 0
    steps: int = 0
    learning_rate: float | None = None
    emits: list[str] = field(default_factory=list)
    layered: bool = False
    best_validation: float | None = None
    kept_step: int | None = None
    text: str = ""
    stopped_early: bool = False
    head: HeadSpec | None = None
    template: str | None = None
    pictures: bool = False
    chips: list[str] | None = None
    problem: dict[str, Any] | None = None
    memory: MeasuredMemory | None = None
    wall_s: float | None = None
    score: RunScore | None = None
    forgetting: float | None = None
    data: dict[str, Any] = field(default_factory=dict)
    owner: str = ""
    sorted_batches: int = 8
    tags: list[str] = field(default_factory=list)
    other: dict[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """Model of the config."""
        return str(self.config["model"])

    @property
    def dataset(self) -> str:
        """Dataset of the config."""
        return str(self.config["dataset"])

    @property
    def method(self) -> str:
        """Method of the config."""
        return str(self.config["method"])

    @property
    def sees_pictures(self) -> bool:
        """Whether its adapter sees a picture beside a text."""
        settings = self.config.get("method_settings") or {}
        return bool(settings.get("vision"))

    def to_json(self) -> dict[str, Any]:
        """Plain values in the file's order."""
        known = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "other"}
        base = {f.name: getattr(self.base, f.name) for f in fields(self.base)}
        head = self.head.to_dict() if self.head else None
        memory = self.memory.to_dict() if self.memory else None
        score = self.score.to_dict() if self.score else None
        return {**known, "base": base, "head": head, "memory": memory, "score": score, **self.other}

    @classmethod
    def from_json(cls, values: Any) -> Self:  # noqa: ANN401 - any contents of a file
        """The inverse of `to_json`.

        Raises:
            ValueError: These are not the contents of a run.json; the message names what is wrong.
        """
        if not isinstance(values, dict):
            raise ValueError("it is no mapping")
        config = checked("config", values.get("config"), dict[str, Any])
        for name in ("model", "dataset", "method"):
            checked(f"{name} of the config", config.get(name), str)
        for name in ("method_settings", "training", "data"):
            checked(f"{name} of the config", config.get(name, {}), dict[str, Any])
        names = {f.name for f in fields(cls)} - {"other"}
        known = _known(cls, values) | {"base": BaseFacts(**_known(BaseFacts, _mapping(values, "base")))}
        known["head"] = _head(_mapping(values, "head"))
        memory = _mapping(values, "memory")
        known["memory"] = MeasuredMemory(**_known(MeasuredMemory, memory)) if memory else None
        score = _mapping(values, "score")
        known["score"] = RunScore.from_dict(score) if score else None
        if "steps" not in known:
            known["steps"] = checked("steps", config.get("training", {}).get("steps", TrainingSettings().steps), int)
        known["config"] = _with_steps(config, known["steps"])
        if not 0 <= known.get("created", 0.0) <= LAST_TIME:
            known["created"] = 0.0
        if not _is_problem(known.get("problem")):
            known["problem"] = None
        return cls(**known, other={name: value for name, value in values.items() if name not in names})


def _with_steps(config: dict[str, Any], steps: int) -> dict[str, Any]:
    """The config with the steps that the run had, where its dataset says now what suits it and did not say so then."""
    training = config.get("training", {})
    if not steps or "steps" in training or "steps" not in suited_training(config["dataset"]):
        return config
    return {**config, "training": {**training, "steps": steps}}


def _known(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    """The entries of a file that a dataclass has, with checked types; null means that an entry is not there."""
    hints = hints_of(cls)
    plain = {name: values[name] for name in hints if name in values and name not in NESTED}
    return {
        name: checked(name, value, hints[name])
        for name, value in plain.items()
        if value is not None or optional(hints[name])
    }


def _mapping(values: dict[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name)
    return {} if found is None else dict(checked(name, found, dict[str, Any]))


def _head(values: dict[str, Any]) -> HeadSpec | None:
    if not values:
        return None
    labels = checked("labels of the head", values.get("labels"), list[str])
    span = checked("span of the head", values.get("span") or {}, dict[str, Any])
    pooling = checked("pooling of the head", values.get("pooling"), str)
    scale = {n: checked(f"{n} of the head", values[n], float) for n in ("centre", "spread") if n in values}
    texts = checked("texts of the head", values.get("texts") or [], list[str])
    types = checked("token_types of the head", values.get("token_types", False), bool)
    read = {"texts": texts, "token_types": types}
    return HeadSpec.from_dict({"labels": labels, "pooling": pooling, "span": span, **read, **scale})


def _is_problem(problem: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether this is what `WorkbenchError.to_dict` makes."""
    kinds = {"key": str, "text": str, "values": dict}
    return isinstance(problem, dict) and all(isinstance(problem.get(name), kind) for name, kind in kinds.items())
