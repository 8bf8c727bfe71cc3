"""Datasets that people uploaded: kept as long as the runs that need them, and no more of each visitor than allowed."""

import contextlib
import hashlib
import math
import os
import re
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import Any

from engine.core.atomic import temporary_name
from engine.core.errors import DataError
from engine.core.writing import writing
from engine.data.readers.zips import UnpacksToMoreError, inner, unpack
from engine.service.leftovers import remove, sweep_left
from engine.service.visitor import OPERATOR, Visitor

DATA = "data"
"""Folder below the workbench's own."""
MARK = ".upload"
"""File in the folder of an upload, by which it is known as one."""
MB = 1e6
_DIGEST = re.compile(r"[0-9a-f]{12}")


Config = dict[str, Any]
"""Of a run, as its run.json has it."""


def _unknown_runs(_: str) -> Iterator[Config | None]:
    """One run that may need anything, so that no upload is dropped."""
    yield None


class KeptData:
    """The folder of all uploads. Each has a folder of its own, named after what it holds, so that equal ones lie once.

    Args:
        folder: Theirs.
        most_bytes: That one visitor's may have together, archives unpacked; None for no limit.
        most_of_all: The same for all visitors together.
        configs: Gives the configs of all runs; for one that cannot be read, None if a given text stands in what is left
            of it, which then counts as one that needs what is named there.
    """

    def __init__(
        self,
        folder: Path,
        most_bytes: int | None = None,
        configs: Callable[[str], Iterator[Config | None]] = _unknown_runs,
        most_of_all: int | None = None,
    ) -> None:
        self.folder = folder
        self._most, self._most_of_all, self._configs = most_bytes, most_of_all, configs
        self._locks: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)

    def keep(self, upload: Path, visitor: Visitor = OPERATOR) -> Path:
        """A copy of an uploaded file that stays as long as the runs do; a zip is unpacked.

        Where there is no more room for it, the visitor's uploads that no run needs give way.

        Args:
            upload: Where the page put the file; it checks that nobody names another.
            visitor: Whose it is; each has a folder of their own.

        Raises:
            DataError: A zip cannot be unpacked, or the visitor's files would be too large together.
            NotWrittenError: The disk is full, for instance; nothing is left of it.
        """
        with upload.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]
        own = visitor.uploads(self.folder)
        with self._locks[own.resolve()]:
            try:
                return self._kept(upload, own / digest)
            except DataError as error:
                if error.key != "no_room_for_upload" or not self._drop_unneeded(own):
                    raise
                return self._kept(upload, own / digest)

    def named(self, name: str, visitor: Visitor) -> Path | None:
        """The upload of a visitor that has a name, the newest one of several; None where there is none.

        Args:
            name: Of the file, or the folder, as the page shows it: without the server's folders before it.
            visitor: Whose.
        """
        parts = PurePath(name)
        if not parts.parts or parts.is_absolute() or ".." in parts.parts:
            return None
        own = visitor.uploads(self.folder)
        folders = sorted(filter(_is_upload, own.iterdir()), key=_changed) if visitor.id and own.is_dir() else []
        return next((folder / name for folder in reversed(folders) if (folder / name).exists()), None)

    def drop_unneeded(self, config: Config) -> None:
        """Delete the uploads that a run needed which is gone now, unless another run needs them.

        Args:
            config: The run's.
        """
        for folder in filter(_is_upload, self._uploads_of(config)):
            with self._locks[folder.parent]:
                self._drop(folder)

    def drop_old(self, before: float, *, guests: bool) -> None:
        """Delete old uploads that no run needs.

        Args:
            before: Those that are older than this moment, in seconds since 1970, are.
            guests: Whether those of visitors, which have a folder for each; else those of earlier versions, which carry
                no mark.
        """
        for folder in self.folder.glob("of-*/*" if guests else "*"):
            if not _is_named_as_upload(folder) or _changed(folder) >= before or (not guests and _is_upload(folder)):
                continue
            with self._locks[folder.parent.resolve()]:
                self._drop(folder)
            with contextlib.suppress(OSError):
                folder.parent.rmdir()  # where it was the last one

    def drop_unused(self, before: float, visitor: Visitor | None = None) -> None:
        """Delete the uploads that no run needs, and that were not brought again since a moment.

        Args:
            before: Seconds since 1970.
            visitor: Whose; None for everybody's.
        """
        owners = [self.folder, *self.folder.glob("of-*")] if visitor is None else [visitor.uploads(self.folder)]
        for own in owners:
            with self._locks[own.resolve()]:
                self._drop_unneeded(own, before)

    def sweep_left(self) -> None:
        """Delete what killed processes have left half-copied or half-unpacked, also those of an earlier version."""
        sweep_left([self.folder, *self.folder.glob("of-*")])
        for part in (*self.folder.glob("*/.*.part"), *self.folder.glob("of-*/*/.*.part")):
            folder = part.parent
            if _is_named_as_upload(folder) and not _is_upload(folder):
                remove(part)
                with contextlib.suppress(OSError):
                    folder.rmdir()  # where it was all

    def _uploads_of(self, config: Config) -> set[Path]:
        """The folders of all uploads to which a config's texts lead."""
        root, found = self.folder.resolve(), set()
        for path in (path for text in _texts(config) for path in _parents(text)):
            above = path.parent.parent if path.parent.name.startswith("of-") else path.parent
            if above == root and _is_named_as_upload(path):
                found.add(path)
        return found

    def _drop(self, folder: Path) -> bool:
        """Delete an upload that no run needs; returns whether it was."""
        folder = folder.resolve()
        if any(config is None or folder in self._uploads_of(config) for config in self._configs(folder.name)):
            return False
        shutil.rmtree(folder, ignore_errors=True)
        return True

    def _drop_unneeded(self, own: Path, before: float = math.inf) -> bool:
        """Delete the uploads in a visitor's folder that no run needs and that are old; returns whether there were any.

        Args:
            own: The folder.
            before: Those that are older than this moment are, in seconds since 1970.
        """
        uploads = [folder for folder in own.iterdir() if _is_upload(folder)] if own.is_dir() else []
        dropped = [self._drop(folder) for folder in uploads if _changed(folder) < before]
        return any(dropped)

    def _kept(self, upload: Path, folder: Path) -> Path:
        is_zip = upload.suffix.lower() == ".zip"
        target = folder / ((upload.stem or "pictures") if is_zip else upload.name)
        if target.exists():
            with contextlib.suppress(OSError):
                os.utime(folder)
            return inner(target) if is_zip else target
        sweep_left([folder.parent])
        made = temporary_name(folder)  # a kill leaves nothing else behind
        try:
            with writing(Path(DATA, upload.name)):
                self._make(upload, made / target.name, is_zip=is_zip)
                (made / MARK).touch()
                if not folder.exists():
                    made.rename(folder)
                else:
                    (folder / MARK).touch()
                    (made / target.name).replace(target)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        return inner(target) if is_zip else target

    def _make(self, upload: Path, target: Path, *, is_zip: bool) -> None:
        left = self._left(target.parent.parent)
        target.parent.mkdir(parents=True)
        if not is_zip:
            if left is not None and upload.stat().st_size > left:
                raise self._too_large(upload.name, left)
            shutil.copyfile(upload, target)
            return
        try:
            unpack(upload, target, left)
        except UnpacksToMoreError as error:
            if left is None:
                raise
            raise self._too_large(upload.name, left) from error

    def _left(self, own: Path) -> int | None:
        """Bytes that a visitor may still keep in their folder; None for any number."""
        limits = ((self._most, own), (self._most_of_all, self.folder))
        left = [most - sum(map(_size, folder.rglob("*"))) for most, folder in limits if most is not None]
        return max(0, min(left)) if left else None

    def _too_large(self, file: str, left: int) -> DataError:
        free, limit = f"{left / MB:,.1f}", f"{(self._most or self._most_of_all or 0) / MB:,.1f}"
        text = (
            f"The file {file} has, unpacked, more than the {free} MB that are left of the {limit} MB that you may keep "
            "here: give a smaller one, or delete runs whose data you no longer need."
        )
        return DataError("no_room_for_upload", text, file=file, left=free, limit=limit)


def _is_upload(folder: Path) -> bool:
    return _is_named_as_upload(folder) and (folder / MARK).is_file()


def _is_named_as_upload(folder: Path) -> bool:
    return _DIGEST.fullmatch(folder.name) is not None and not folder.is_symlink() and folder.is_dir()


def _changed(folder: Path) -> float:
    """When a folder was changed, in seconds since 1970; now where that cannot be seen."""
    try:
        return folder.stat().st_mtime
    except OSError:
        return math.inf


def _parents(text: str) -> list[Path]:
    """The folders above the file to which a text leads; none where it is no path."""
    try:
        return list(Path(text).expanduser().resolve().parents)
    except (OSError, RuntimeError, ValueError):
        return []


def _texts(value: object) -> Iterator[str]:
    """Every text of a config."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inside in value.values() if isinstance(value, dict) else value:
            yield from _texts(inside)


def _size(path: Path) -> int:
    """Bytes of a file; 0 for a folder, and where it is gone."""
    try:
        return 0 if path.is_dir() else path.lstat().st_size
    except OSError:
        return 0
