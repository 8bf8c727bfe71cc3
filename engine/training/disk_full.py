"""A full disk makes a run wait: it tries again until there is room, and what it tried is never left half-written."""

import errno
import time
from collections.abc import Callable, Iterator

from safetensors import SafetensorError

from engine.core.errors import RunError

WRITE_ERRORS = (OSError, SafetensorError)
"""What writing tensors raises, on a full disk for instance."""

RETRY_S = 0.5
"""Seconds between two tries. They belong to the run: whoever drives it can stop it between any two."""

FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
WORDS_OF_FULL = ("No space left", "os error 28", "quota exceeded", "os error 112", "os error 122")
"""How safetensors, which is Rust, words the same; 112 is Windows'."""


def is_disk_full(error: BaseException) -> bool:
    """Whether an error means that the disk, or the user's share of it, has no room left."""
    if isinstance(error, OSError):
        return error.errno in FULL
    return isinstance(error, SafetensorError) and any(words in str(error) for words in WORDS_OF_FULL)


def tries(write: Callable[[], None]) -> Iterator[None]:
    """Write; yields after every try that a full disk has refused, and ends when one has succeeded.

    Raises:
        OSError: It failed for another reason; so does a SafetensorError.
    """
    while True:
        try:
            write()
        except WRITE_ERRORS as error:
            if not is_disk_full(error):
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
