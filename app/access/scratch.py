"""The folder of one server's uploads, which goes with it; what a killed server has left goes at the next start."""

import contextlib
import os
import secrets
import shutil
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

FOLDER = "uploads"
"""Below the home folder; in it a folder and a lock for each server."""
GRADIO_SETTING = "GRADIO_TEMP_DIR"


class Scratch:
    """Holds its folder for this process alone.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: Path, lock: FileLock) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def of(cls, home: Path) -> Self:
        """A fresh folder, after those that no server holds are gone. Gradio puts uploads there from now on."""
        root = home.resolve() / FOLDER
        root.mkdir(parents=True, exist_ok=True)
        _sweep(root)
        path = root / secrets.token_hex(8)
        lock = FileLock(f"{path}.lock")
        lock.acquire()
        path.mkdir(mode=0o700)
        os.environ[GRADIO_SETTING] = str(path)
        return cls(path, lock)

    def close(self) -> None:
        """Delete it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()
        Path(self._lock.lock_file).unlink(missing_ok=True)


def _sweep(root: Path) -> None:
    """Delete the folders whose locks nobody holds."""
    for name in {path.name.removesuffix(".lock") for path in root.iterdir()}:
        lock = FileLock(root / f"{name}.lock")
        with contextlib.suppress(Timeout, OSError), lock.acquire(blocking=False):
            shutil.rmtree(root / name, ignore_errors=True)
            Path(lock.lock_file).unlink(missing_ok=True)
