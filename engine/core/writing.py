"""What cannot be written is told in one sentence: which file, why, and what to do. Training waits for room instead."""

import contextlib
import errno
import re
from collections.abc import Iterator
from pathlib import Path

from engine.core.errors import WorkbenchError

FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
"""Numbers of errors that say: the disk, or the user's share of it, has no room left."""
REFUSED = FULL | {errno.EROFS, errno.EACCES, errno.EPERM}
"""These, and those that say: nothing may be written there."""
WORDS_OF_FULL = re.compile("No space left|quota exceeded|os error (28|112|122)|disk is full")
"""How libraries that raise no `OSError` word the same: safetensors, which is Rust (112 is Windows'), and SQLite."""
WORDS_OF_FORBIDDEN = re.compile("readonly database|unable to open database|Read-only file system|Permission denied")


class NotWrittenError(WorkbenchError, OSError):
    """A file could not be written; it is as it was before. As an `OSError` it has the number and words of its cause."""

    def __str__(self) -> str:
        """The sentence."""
        return str(self.args[0])


def not_written(path: Path, error: OSError) -> NotWrittenError:
    """The error of a file, or a folder, that the system refuses to write.

    The sentence has its name and that of its folder, no more of the path: who reads it may be a visitor.
    """
    file, reason = f"{path.parent.name}/{path.name}", error.strerror or str(error)
    if error.errno in FULL:
        text = f"The disk is full, so {file} could not be written: make room, then try again. Nothing was changed."
        told = NotWrittenError("disk_full", text, file=file)
    else:
        text = f"{file} could not be written: {reason}. See that Gatelight may write there, then try again. "
        told = NotWrittenError("not_written", f"{text}Nothing was changed.", file=file, reason=reason)
    told.errno, told.strerror = error.errno, reason
    return told


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around whatever writes a file: what the system refuses is a `NotWrittenError`, also where a library words it.

    Of one around another, the outer one names the file.

    Raises:
        NotWrittenError: The disk is full, for instance.
    """
    try:
        yield
    except Exception as error:
        cause = _refusal(error)
        if cause is None:
            raise
        raise not_written(path, cause) from error


def is_full(error: Exception) -> bool:
    """Whether an error means that the disk, or the user's share of it, has no room left."""
    cause = _refusal(error)
    return cause is not None and cause.errno in FULL


def _refusal(error: Exception) -> OSError | None:
    """What the system refused, as an error with a number; None where an error is about something else."""
    if isinstance(error, WorkbenchError):
        return error if isinstance(error, OSError) else None
    if isinstance(error, OSError):
        return error if error.errno is not None else None
    if WORDS_OF_FULL.search(str(error)):
        return OSError(errno.ENOSPC, "No space left on device")
    return OSError(errno.EACCES, "Permission denied") if WORDS_OF_FORBIDDEN.search(str(error)) else None
