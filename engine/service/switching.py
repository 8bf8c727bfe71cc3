"""Measures how long it takes to switch a loaded base to another adapter."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.exchange.native import load_adapter
from engine.methods.attach import attached_view
from engine.models.base import Base
from engine.models.view import View

REPEATS = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchTimes:
    """Milliseconds until a view of the base is ready to answer with an adapter, medians of `REPEATS`.

    Attributes:
        disk_ms: The adapter is read from its folder; its file may be in the page cache.
        memory_ms: The adapter is in memory and only attached to a new view.
    """

    disk_ms: float
    memory_ms: float


def time_switch(base: Base, folder: Path) -> SwitchTimes:
    """Switch to an adapter `REPEATS` times. The base's fingerprint is computed before, as in a base that is in use."""
    _ = base.fingerprint
    method = load_adapter(folder, base)
    return SwitchTimes(
        disk_ms=_median_ms(lambda: attached_view(base, load_adapter(folder, base))),
        memory_ms=_median_ms(lambda: attached_view(base, method)),
    )


def _median_ms(switch: Callable[[], View]) -> float:
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        switch()
        times.append(1000 * (time.perf_counter() - began))
    return round(statistics.median(times), 2)
