"""What a reader of a run is told: facts and new events, and the losses as curves."""

from dataclasses import dataclass, fields
from typing import Any

from engine.memory.info import MeasuredMemory
from engine.runs.score import RunScore


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
        family: What its method adds to the model, as `MethodSpec.group`; "" for a method that is not known here.
        layered: Whether its method can be switched off in single layers.
        config: As `RunConfig.to_dict` has it.
        memory: What it held; None before the run ends.
        score: Of the state that it kept; None where it was not scored.
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
    family: str
    layered: bool
    pictures: bool
    steps: int
    config: dict[str, Any]
    memory: MeasuredMemory | None
    score: RunScore | None
    early: bool
    kept: int | None
    epoch: int
    cursor: int
    more: bool
    events: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """Every field by its name; all are plain values."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        memory, score = self.memory.to_dict() if self.memory else None, self.score.to_dict() if self.score else None
        return plain | {"memory": memory, "score": score}
