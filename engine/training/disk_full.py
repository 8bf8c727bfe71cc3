"""A full disk makes a run wait: it tries again until there is room, and what it tried is never left half-written."""

import time
from collections.abc import Callable, Iterator

from safetensors import SafetensorError

from engine.core.errors import RunError
from engine.core.writing import is_full

WRITE_ERRORS = (OSError, SafetensorError)
"""What writing tensors raises, on a full disk for instance."""

RETRY_S = 0.5
"""Seconds between two tries. They belong to the run: whoever drives it can stop it between any two."""


def tries(write: Callable[[], None]) -> Iterator[None]:
    """Write; yields after every try that a full disk has refused, and ends when one has succeeded.

    Raises:
        OSError: It failed for another reason; so does a SafetensorError.
    """
    while True:
        try:
            write()
        except WRITE_ERRORS as error:
            if not is_full(error):
                raise
        else:
            return
        yield
        time.sleep(RETRY_S)


def not_kept(run: str, step: int, kept: int) -> RunError:
    """The error of a run that was stopped while the disk was full.

    Args:
        run: Its id.
        step: Where it was stopped.
        kept: Step of its newest checkpoint.
    """
    return RunError(
        "stopped_full",
        f"The disk is full, so the run {run!r} was stopped at step {step} with what it kept at step {kept}: make room, "
        "then resume it.",
        run=run,
        step=step,
        kept=kept,
    )
