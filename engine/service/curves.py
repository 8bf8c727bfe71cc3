"""The losses of a run, read from its log once for each state of the log: a long one takes a second."""

import functools
import math
from pathlib import Path

from engine.runs.log import all_events
from engine.runs.update import LossCurves

KEPT = 32


def loss_curves(log: Path) -> LossCurves:
    """All training and validation losses of an event log; it is read page by page, and again when it has changed."""
    try:
        status = log.stat()
    except OSError:
        return LossCurves(training=[], validation=[])
    return _read(log, (status.st_size, status.st_mtime_ns, status.st_ino))


@functools.lru_cache(maxsize=KEPT)
def _read(log: Path, _: tuple[int, int, int]) -> LossCurves:
    training, validation = [], []
    for event in all_events(log):
        if event["kind"] == "loss" and _is_number(event.get("loss")):
            training.append((event["step"], event["loss"]))
        elif event["kind"] == "eval" and _is_number(event.get("validation_loss")):
            validation.append((event["step"], event["validation_loss"]))
    return LossCurves(training=training, validation=validation)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and (math.isfinite(value) or value != value)
