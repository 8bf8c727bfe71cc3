"""A zip of a folder of pictures, unpacked without trusting it: no file outside of the target, no more than a limit."""

import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import IO

from engine.core.errors import DataError

MOST_FILES = 100_000
MOST_BYTES = 4 * 2**30
"""Of all files together, counted as they come out: what a zip says of itself may be a lie."""

CHUNK = 2**20
UTF_8 = 0x800
"""Flag of names in UTF-8; without it, old programs wrote them in their own encoding."""


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
    """
    most_bytes = MOST_BYTES if most_bytes is None else min(most_bytes, MOST_BYTES)
    partly = target.with_name(f".{target.name}.part")
    shutil.rmtree(partly, ignore_errors=True)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if not one.is_dir() and not _is_clutter(one.filename)]
            if len(members) > MOST_FILES:
                raise _bad(path, f"it holds more than {MOST_FILES:,} files")
            left = most_bytes
            for member in members:
                name = _safe_name(path, member)
                if name is not None:
                    left = _extract(archive, member, partly / name, left)
                if left < 0:
                    told = _bad(path, f"its files have more than {most_bytes / 2**30:.3g} GB")
                    raise UnpacksToMoreError.from_dict(told.to_dict())
    except (zipfile.BadZipFile, RuntimeError, OSError, EOFError) as error:
        shutil.rmtree(partly, ignore_errors=True)
        raise _bad(path, str(error).strip() or type(error).__name__) from error
    except DataError:
        shutil.rmtree(partly, ignore_errors=True)
        raise
    if not partly.exists():
        raise _bad(path, "it is empty")
    partly.replace(target)
    return inner(target)


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
    if name.is_absolute() or ".." in name.parts or ":" in name.parts[0]:
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


def _bad(path: Path, reason: str) -> DataError:
    return DataError(
        "bad_zip",
        f"The file {path.name} cannot be unpacked ({reason}): give a zip of a folder of pictures.",
        file=path.name,
        reason=reason,
    )
