"""How long runs take, from those that have ended: what lets a queue say when the next one will begin."""

from collections.abc import Iterable

from engine.config.run import RunConfig
from engine.core.errors import RunError
from engine.runs.facts import RunFacts
from engine.runs.folder import RunFolder

LOOKED_AT = 3
"""Former runs of which the fastest counts: a pause makes a run longer than it had to be."""


def seconds_per_step(folders: Iterable[RunFolder], config: RunConfig) -> float | None:
    """Seconds that a step of such a run takes, validations included; None where no such run has ended.

    Args:
        folders: Of all runs, the newest first.
        config: Of the run: those of the same model, method and dataset count, else of the same model and method.
    """
    same, similar = list[float](), list[float]()
    for folder in folders:
        try:
            facts = folder.facts()
        except RunError:
            continue
        if facts.status != "finished" or (facts.model, facts.method) != (config.model, config.method):
            continue
        found = _measured(folder, facts)
        if found is not None:
            (same if facts.dataset == config.dataset else similar).append(found)
        if len(same) == LOOKED_AT:
            break
    return min(same or similar[:LOOKED_AT], default=None)


def _measured(folder: RunFolder, facts: RunFacts) -> float | None:
    """Seconds per step of a run that trained in one go."""
    if facts.epoch or facts.step < 1:
        return None
    try:
        seconds = folder.events_path.stat().st_mtime - facts.created
    except OSError:
        return None
    return seconds / facts.step if seconds > 0 else None
