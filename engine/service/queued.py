"""The queue as people see it: who is in it, in which order, and when each will begin. Needs no torch."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.config.training import TrainingSettings
from engine.runs.queue import QueueEntry
from engine.service.status import LiveStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Queued:
    """A run of the queue.

    Attributes:
        run: Its id, also before it has a folder.
        name: As given; empty for the usual one.
        steps: Of the whole run.
        until: Step at which it is stopped; None for its end.
        state: "waiting", "begun", or "failed" where it could not begin.
        place: Among those that wait, 0 for the next one; None for others.
        begins_s: Seconds until it begins; None when unknown.
        message: Why it could not begin, in English; empty otherwise.
        problem: The same as `WorkbenchError.to_dict`, for translation; None otherwise.
        removable: Whether the asker may take it out.
        up: Whether the asker may move it forward by one place.
        down: The same backward.
    """

    run: str
    name: str
    model: str
    method: str
    dataset: str
    steps: int
    until: int | None
    owner: str
    tags: list[str]
    state: str
    place: int | None
    begins_s: float | None
    message: str = ""
    problem: dict[str, Any] | None = None
    removable: bool = False
    up: bool = False
    down: bool = False


def listed(entries: Sequence[QueueEntry], live: LiveStatus | None = None) -> list[Queued]:
    """The entries as people see them.

    Args:
        entries: All of the queue.
        live: What trains now, which goes first; None where that is not known.
    """
    waiting = [entry for entry in entries if entry.state == "waiting"]
    begins = dict(zip((entry.run for entry in waiting), _begins(waiting, live), strict=True))
    places = {entry.run: place for place, entry in enumerate(waiting)}
    return [_seen(entry, places.get(entry.run), begins.get(entry.run)) for entry in entries]


def steps_of(entry: QueueEntry) -> int:
    """Steps of an entry's whole run."""
    steps = entry.config.get("training", {}).get("steps")
    return steps if isinstance(steps, int) else TrainingSettings().steps


def _begins(waiting: Iterable[QueueEntry], live: LiveStatus | None) -> Iterator[float | None]:
    """When each begins, in seconds from now: after all that goes before it."""
    left: float | None = 0.0
    if live is not None and live.run is not None:
        left = live.eta_s if live.status == "running" else None
    for entry in waiting:
        yield left
        seconds = entry.seconds
        if seconds is None and live is not None and live.steps_per_s:
            seconds = steps_of(entry) / live.steps_per_s
        left = None if left is None or seconds is None else left + seconds


def _seen(entry: QueueEntry, place: int | None, begins_s: float | None) -> Queued:
    config = entry.config
    return Queued(
        run=entry.run,
        name=entry.name,
        model=str(config.get("model", "")),
        method=str(config.get("method", "")),
        dataset=str(config.get("dataset", "")),
        steps=steps_of(entry),
        until=entry.until,
        owner=entry.owner,
        tags=entry.tags,
        state=entry.state,
        place=place,
        begins_s=begins_s,
        message=entry.message,
        problem=entry.problem,
    )
