"""Datasets that people uploaded: kept as long as the runs that need them, and no more of each visitor than allowed."""

import contextlib
import hashlib
import os
import shutil
import threading
from collections import defaultdict
from pathlib import Path

from engine.core.errors import DataError
from engine.data.readers.zips import UnpacksToMoreError, inner, unpack
from engine.service.visitor import OPERATOR, Visitor

DATA = "data"
"""Folder below the workbench's own."""
MB = 1e6


class KeptData:
    """The folder of all uploads. Each has a folder of its own, named after what it holds, so that equal ones lie once.

    Args:
        folder: Theirs.
        most_bytes: That one visitor's may have together, archives unpacked; None for no limit.
    """

    def __init__(self, folder: Path, most_bytes: int | None = None) -> None:
        self.folder = folder
        self._most = most_bytes
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def keep(self, upload: Path, visitor: Visitor = OPERATOR) -> Path:
        """A copy of an uploaded file that stays as long as the runs do; a zip is unpacked.

        Args:
            upload: Where the page put the file; it checks that nobody names another.
            visitor: Whose it is; each has a folder of their own.

        Raises:
            DataError: A zip cannot be unpacked, or the visitor's files would be too large together.
        """
        with upload.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]
        folder = visitor.uploads(self.folder) / digest
        with self._locks[visitor.id]:
            if upload.suffix.lower() == ".zip":
                return self._unpacked(upload, folder / (upload.stem or "pictures"), visitor)
            return self._copied(upload, folder / upload.name, visitor)

    def _unpacked(self, upload: Path, target: Path, visitor: Visitor) -> Path:
        if target.exists():
            return inner(target)
        left = self._left(visitor)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            return unpack(upload, target, left)
        except UnpacksToMoreError as error:
            if left is None:
                raise
            raise self._too_large(upload.name, left) from error
        finally:
            with contextlib.suppress(OSError):
                target.parent.rmdir()  # where nothing was unpacked

    def _copied(self, upload: Path, target: Path, visitor: Visitor) -> Path:
        if target.exists():
            return target
        left = self._left(visitor)
        if left is not None and upload.stat().st_size > left:
            raise self._too_large(upload.name, left)
        target.parent.mkdir(parents=True, exist_ok=True)
        partly = target.with_name(f".{upload.name}.part")
        shutil.copyfile(upload, partly)
        partly.replace(target)
        return target

    def _left(self, visitor: Visitor) -> int | None:
        """Bytes that a visitor may still keep; None for any number."""
        if self._most is None:
            return None
        own = visitor.uploads(self.folder)
        held = sum(_size(Path(inside, name)) for inside, _, files in os.walk(own) for name in files)
        return max(0, self._most - held)

    def _too_large(self, file: str, left: int) -> DataError:
        assert self._most is not None
        free, limit = f"{left / MB:,.1f}", f"{self._most / MB:,.1f}"
        text = (
            f"The file {file} has, unpacked, more than the {free} MB that are left of the {limit} MB that you may keep "
            "here: give a smaller one, or delete runs whose data you no longer need."
        )
        return DataError("no_room_for_upload", text, file=file, left=free, limit=limit)


def _size(path: Path) -> int:
    """Bytes of a file; 0 where it is gone."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0
