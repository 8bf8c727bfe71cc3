"""Ladders on disk: one JSON file each, in a folder beside that of the runs. Needs no torch."""

import dataclasses
from pathlib import Path
from typing import Any

from engine.core.atomic import write_json
from engine.core.errors import RunError
from engine.runs.files import read_json
from engine.runs.folder import RunFolder
from engine.runs.forgetting import forgetting
from engine.runs.log import all_events
from engine.tuning.ladder import Ladder

LONGEST_TAG = 64


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Climbed:
    """How far one rate of a ladder is.

    Attributes:
        rate: The learning rate.
        run: Id of its run.
        state: "waiting", "running", "out" where a better one went on instead, "best", or "done".
        step: Updates so far.
        losses: Validation losses as (step, nats).
        training: Training losses as (step, nats).
        forgetting: Rise of the loss on plain text so far, in nats per token; None where it was not measured.
    """

    rate: float
    run: str
    state: str
    step: int
    losses: list[tuple[int, float]]
    training: list[tuple[int, float]]
    forgetting: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class LadderView:
    """A ladder with the curves of its rates.

    Attributes:
        tag: Its name.
        state: "running", "finished", "stopped" or "failed".
        method: Whose rate is looked for.
        usual: The rate that suits the method by default.
        best: The best rate; None until it is found.
        steps: Of a rate that goes to the end.
        rungs: Steps at which the better half goes on.
        rates: From low to high.
    """

    tag: str
    state: str
    model: str
    method: str
    dataset: str
    usual: float
    best: float | None
    steps: int
    rungs: list[int]
    rates: list[Climbed]


class Ladders:
    """The ladders of a folder of runs.

    Args:
        root: Folder of the run folders; the ladders have one beside it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root.parent / "ladders"

    def all(self) -> list[Ladder]:
        """Those that can be read, the newest first."""
        found = []
        for path in self.folder.glob("*.json"):
            try:
                found.append(Ladder.from_json(read_json(path)))
            except (OSError, ValueError):
                continue
        return sorted(found, key=lambda ladder: (ladder.created, ladder.tag), reverse=True)

    def find(self, tag: str) -> Ladder:
        """A ladder by its tag.

        Raises:
            RunError: There is none.
        """
        for ladder in self.all():
            if ladder.tag == tag:
                return ladder
        raise RunError("no_ladder", f"There is no ladder {tag!r}: it may have been deleted.", tag=tag[:LONGEST_TAG])

    def keep(self, ladder: Ladder) -> None:
        """Write a ladder.

        Raises:
            NotWrittenError: The disk is full, for instance; it is as it was.
        """
        write_json(self.folder / f"{ladder.tag}.json", dataclasses.asdict(ladder), durable=True)

    def step(self, run: str) -> int:
        """Step that a run has reached at its newest checkpoint; 0 where it has none."""
        try:
            return RunFolder(self.root / run).facts().step
        except RunError:
            return 0

    def losses_at(self, ladder: Ladder, step: int) -> list[float | None]:
        """Validation loss of each rate at a step; None where it was not measured."""
        return [dict(self.curves(run)[0]).get(step) for run in ladder.runs]

    def curves(self, run: str) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
        """Validation and training losses of a run so far."""
        validation, training = list[tuple[int, float]](), list[tuple[int, float]]()
        for event in all_events(RunFolder(self.root / run).events_path):
            if event["kind"] == "eval" and _is_number(event.get("validation_loss")):
                validation.append((event["step"], event["validation_loss"]))
            elif event["kind"] == "loss" and _is_number(event.get("loss")):
                training.append((event["step"], event["loss"]))
        return validation, training

    def view(self, ladder: Ladder, active: str | None = None) -> LadderView:
        """A ladder with its curves.

        Args:
            ladder: Which.
            active: Id of the run that trains now.
        """
        config = ladder.config
        return LadderView(
            tag=ladder.tag,
            state=ladder.state,
            model=str(config.get("model", "")),
            method=str(config.get("method", "")),
            dataset=str(config.get("dataset", "")),
            usual=ladder.usual,
            best=None if ladder.best is None else ladder.rates[ladder.best],
            steps=ladder.steps,
            rungs=ladder.rungs,
            rates=[self._climbed(ladder, place, active) for place in range(len(ladder.rates))],
        )

    def _climbed(self, ladder: Ladder, place: int, active: str | None) -> Climbed:
        run = ladder.runs[place]
        validation, training = self.curves(run)
        step = max((step for step, _ in [*training, *validation]), default=0)
        return Climbed(
            rate=ladder.rates[place],
            run=run,
            state=_state(ladder, place, step, running=run == active),
            step=step,
            losses=validation,
            training=training,
            forgetting=forgetting(RunFolder(self.root / run).events_path, None),
        )


def _state(ladder: Ladder, place: int, step: int, *, running: bool) -> str:
    if running:
        return "running"
    if place == ladder.best:
        return "best"
    if ladder.rung and place not in ladder.alive:
        return "out"
    return "done" if step >= ladder.steps else "waiting"


def _is_number(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return isinstance(value, int | float) and not isinstance(value, bool)
