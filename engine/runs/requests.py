"""What another process asks of the one that trains a run, through a file in the run folder."""

import time

from engine.core.atomic import write_text
from engine.core.errors import RunError
from engine.runs.folder import RunFolder

STOP, PAUSE, GO_ON = "stop", "pause", "go on"
REQUESTS = (STOP, PAUSE, GO_ON)
POLL_S = 0.2
"""Seconds between two looks at the file."""
FILE = "asked"
"""In the run folder; a mirror hands on what stands under that name at the run's place."""


def ask(folder: RunFolder, request: str) -> None:
    """Ask the process that trains a run to stop, to pause, or to go on. The newest request counts.

    Raises:
        RunError: No process trains the run.
        NotWrittenError: Its folder cannot be written to.
    """
    if not folder.busy():
        raise RunError(
            "run_idle", f"The run {folder.id!r} is not being trained: there is nothing to stop.", run=folder.id
        )
    write_text(folder.path / FILE, request)


class Requests:
    """What was asked of this process. What was asked before it began is forgotten.

    Args:
        folder: Of the run that it trains.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._path = folder.path / FILE
        self._path.unlink(missing_ok=True)
        self._looked = 0.0

    def new(self) -> str:
        """The newest request since the last call, "" where there is none; looks five times a second at most."""
        if (now := time.monotonic()) < self._looked + POLL_S:
            return ""
        self._looked = now
        try:
            asked = self._path.read_text(encoding="utf-8").strip()
            self._path.unlink()
        except (OSError, ValueError):
            return ""
        return asked if asked in REQUESTS else ""
