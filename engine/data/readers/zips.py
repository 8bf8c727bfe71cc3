"""A zip of a folder of pictures, unpacked without trusting it: no file outside of the target, no more than a limit."""

import errno
import lzma
import os
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from engine.core.errors import DataError, WorkbenchError
from engine.core.writing import REFUSED, not_written

MOST_FILES = 100_000
MOST_BYTES = 4 * 2**30
"""Of all files together, counted as they come out: what a zip says of itself may be a lie."""

MOST_RATIO, SMALL = 100, 256 * 2**20
"""Bytes that come out of one, where it is more than a little: pictures are packed already and do not shrink so."""

CHUNK = 2**20
UTF_8 = 0x800
"""Flag of names in UTF-8; without it, old programs wrote them in their own encoding."""


DAMAGED = (zipfile.BadZipFile, RuntimeError, OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)
"""What Python's reader raises of a zip that it cannot read: a wrong password, a name that is no text, bad streams."""


class UnpacksToMoreError(DataError):
    """The files of a zip have more bytes than they may have."""


def unpack(path: Path, target: Path, most_bytes: int | None = None) -> Path:
    """Unpack a zip into a new folder; returns the folder in it that holds the pictures' folders.

    Args:
        path: The zip.
        target: The new folder.
        most_bytes: That its files may have together, where that is less than `MOST_BYTES`.

    Raises:
        UnpacksToMoreError: They have more.
        DataError: It is no zip, is locked or damaged, leads out of its folder, or has too many files.
        NotWrittenError: The disk is full, for instance; nothing is left of it.
    """
    most_bytes = MOST_BYTES if most_bytes is None else min(most_bytes, MOST_BYTES)
    partly = target.with_name(f".{target.name}.part")
    shutil.rmtree(partly, ignore_errors=True)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if not one.is_dir() and not _is_clutter(one.filename)]
            if len(members) > MOST_FILES:
                raise _bad(path, f"it holds more than {MOST_FILES:,} files")
            _check_size(path, target, sum(member.file_size for member in members), most_bytes)
            left = most_bytes
            for member in members:
                name = _safe_name(path, member)
                if name is not None:
                    left = _extract(archive, member, partly / name, left)
                if left < 0:
                    raise _more(path, most_bytes)
    except DAMAGED as error:
        shutil.rmtree(partly, ignore_errors=True)
        raise _told(path, target, error) from error
    except BaseException:
        shutil.rmtree(partly, ignore_errors=True)
        raise
    if not partly.exists():
        raise _bad(path, "it is empty")
    partly.replace(target)
    return inner(target)


def _check_size(path: Path, target: Path, size: int, most_bytes: int) -> None:
    """See that what a zip says of its size can be; Python's reader lets no file have more than it says.

    Raises:
        UnpacksToMoreError: It is more than it may have.
        DataError: It is more than pictures can have.
        NotWrittenError: It is more than the disk has room for.
    """
    if size > most_bytes:
        raise _more(path, most_bytes)
    if size > max(SMALL, MOST_RATIO * path.stat().st_size):
        raise _bad(path, f"its files have {size / path.stat().st_size:,.0f} times its size, as no pictures have")
    target.parent.mkdir(parents=True, exist_ok=True)
    if size > shutil.disk_usage(target.parent).free:
        raise not_written(target, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


def _more(path: Path, most_bytes: int) -> UnpacksToMoreError:
    told = _bad(path, f"its files have more than {most_bytes / 2**30:.3g} GB")
    return UnpacksToMoreError.from_dict(told.to_dict())


def inner(folder: Path) -> Path:
    """The folder itself, or the one that is all it holds, as when a folder was zipped as a whole."""
    entries = list(folder.iterdir())
    while len(entries) == 1 and entries[0].is_dir():
        folder, entries = entries[0], list(entries[0].iterdir())
        if all(entry.is_file() for entry in entries):  # this folder is a label
            return folder.parent
    return folder


def _is_clutter(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) and part != ".." for part in PurePosixPath(name).parts)


def _safe_name(path: Path, member: zipfile.ZipInfo) -> PurePosixPath | None:
    """Where a file goes; None for links, which are not made."""
    if stat.S_ISLNK(member.external_attr >> 16):
        return None
    name = PurePosixPath(_decoded(member).replace("\\", "/"))
    if name.is_absolute() or not name.parts or ".." in name.parts or ":" in name.parts[0]:
        raise _bad(path, f"the name {member.filename!r} leads out of its folder")
    return name


def _decoded(member: zipfile.ZipInfo) -> str:
    """A name; those without the flag are UTF-8 all the same where they can be, else GB18030, as Windows in China."""
    if member.flag_bits & UTF_8:
        return member.filename
    octets = member.filename.encode("cp437", "replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return octets.decode(encoding)
        except UnicodeDecodeError:
            continue
    return member.filename


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Write one file; returns how many bytes may still come, negative as soon as it is too much."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, target.open("wb") as written:
        return _copy_stream(source, written, left)


def _copy_stream(source: IO[bytes], written: IO[bytes], left: int) -> int:
    while left >= 0 and (part := source.read(CHUNK)):
        left -= len(part)
        written.write(part)
    return left


def _told(path: Path, target: Path, error: Exception) -> WorkbenchError:
    """What went wrong with a zip, or with the disk that it is unpacked to."""
    if isinstance(error, OSError) and error.errno in REFUSED:
        return not_written(target, error)
    return _bad(path, str(error).strip() or type(error).__name__)


def _bad(path: Path, reason: str) -> DataError:
    return DataError(
        "bad_zip",
        f"The file {path.name} cannot be unpacked ({reason}): give a zip of a folder of pictures.",
        file=path.name,
        reason=reason,
    )
