"""How often a run is validated where nobody says: as often as fits into a tenth of its time."""

import time
from collections.abc import Generator
from dataclasses import asdict, dataclass, replace
from typing import Any, Self, TypeVar

from engine.core.parts import Parts

T = TypeVar("T")

PER_TRAINING_S = 1 / 9
"""Seconds of telemetry that a second of training allows: a tenth of both together."""


@dataclass(frozen=True, slots=True)
class TelemetryTime:
    """What a run has spent on looking at itself.

    Attributes:
        spent_s: Seconds of all validations and frames so far.
        newest_s: Seconds of the newest validation: what the next one is expected to take.
        newest_step: Step of the newest validation.
    """

    spent_s: float = 0.0
    newest_s: float = 0.0
    newest_step: int = 0

    def with_frame(self, seconds: float) -> Self:
        """After a frame."""
        return replace(self, spent_s=self.spent_s + seconds)

    def with_validation(self, step: int, seconds: float) -> Self:
        """After the validation of a step."""
        return replace(self, spent_s=self.spent_s + seconds, newest_s=seconds, newest_step=step)

    def affords(self, step: int, steps: int, training_s: float) -> bool:
        """Whether a validation of this step fits, where those that the run can still pay for are spread over its rest.

        The last one, which is made in any case, is paid for first.

        Args:
            step: Updates so far, at least one.
            steps: Updates in all.
            training_s: Seconds that the updates so far took.
        """
        left_s = PER_TRAINING_S * training_s * steps / step - self.spent_s - self.newest_s
        if left_s < self.newest_s:
            return False
        between = left_s / self.newest_s if self.newest_s else float("inf")
        return step - self.newest_step >= (steps - self.newest_step) / (between + 1)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any] | None) -> Self:
        """The inverse; checkpoints of older versions have none."""
        return cls() if plain is None else cls(**plain)


class Stopwatch:
    """Measures work in parts; what is done between two of them does not count.

    Attributes:
        seconds: Of all parts so far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def of(self, parts: Parts[T]) -> Generator[None, None, T]:
        """The same work."""
        while True:
            began = time.perf_counter()
            try:
                next(parts)
            except StopIteration as end:
                result: T = end.value
                return result
            finally:
                self.seconds += time.perf_counter() - began
            yield
