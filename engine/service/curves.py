"""The losses of runs, read from their logs once for each state of a log: a long one takes a second."""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from engine.runs.log import all_events
from engine.runs.update import LossCurves

KEPT = 32
Stamp = tuple[int, int, int]


class Curves:
    """Keeps those that were looked at last. Safe from any thread.

    Args:
        turn: Gives a turn of the asker, who waits for it where a log has to be read.
    """

    def __init__(self, turn: Callable[[], AbstractContextManager[None]]) -> None:
        self._turn = turn
        self._kept: OrderedDict[Path, tuple[Stamp, LossCurves]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, log: Path) -> LossCurves:
        """All training and validation losses of an event log; nobody changes what is returned."""
        try:
            status = log.stat()
        except OSError:
            return LossCurves(training=[], validation=[])
        stamp = (status.st_size, status.st_mtime_ns, status.st_ino)
        with self._lock:
            kept = self._kept.get(log)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        with self._turn():
            curves = _read(log)
        with self._lock:
            self._kept[log] = (stamp, curves)  # of a log that grows meanwhile, the next look reads it again
            self._kept.move_to_end(log)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return curves


def _read(log: Path) -> LossCurves:
    training, validation = [], []
    for event in all_events(log):
        if event["kind"] == "loss" and _is_number(event.get("loss")):
            training.append((event["step"], event["loss"]))
        elif event["kind"] == "eval" and _is_number(event.get("validation_loss")):
            validation.append((event["step"], event["validation_loss"]))
    return LossCurves(training=training, validation=validation)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and (math.isfinite(value) or value != value)
