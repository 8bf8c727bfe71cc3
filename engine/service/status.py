"""What the worker is doing now, as a value."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveStatus:
    """State of the worker: the active run and the loaded model.

    Attributes:
        status: "idle", "loading", "running", "waiting" (for room on a full disk), "paused" or "stopping".
        turn: How often the status has changed since the start: tells a look at it that something began and ended since
            the last one.
        run: Id of the active run, None when idle.
        eta_s: Estimated seconds to the end, None when unknown.
        warming: Progress of the method's warm-up before its first step, 0 to 1; None at all other times.
        scoring: Whether all steps are made, and test rows are answered for the run's score.
        model: The model of the active run, else the one loaded last, else "".
        message: What is to be said of the active run, such as that it has diverged, or the error that ended the last
            one, in English; else "".
        problem: The same as `WorkbenchError.to_dict`, for translation; None for any other error.
    """

    status: str = "idle"
    turn: int = 0
    run: str | None = None
    name: str = ""
    step: int = 0
    steps: int = 0
    steps_per_s: float = 0.0
    eta_s: float | None = None
    warming: float | None = None
    scoring: bool = False
    model: str = ""
    precision: str = ""
    size_mb: float = 0.0
    message: str = ""
    problem: dict[str, Any] | None = None
