"""Paths that people name: what no path may be, and to which folders a workbench that serves others is confined."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from engine.core.errors import SettingError

LONGEST_NAME, LONGEST_PATH = 255, 4095
"""Bytes of one part of a path, and of a whole one, on the usual file systems."""
SYSTEM = (Path("/proc"), Path("/sys"))
"""Folders of the kernel, whose files are no data and may never end."""
TOO_WIDE = (Path("/"), Path("/dev"))
"""Folders that nobody means."""
SHOWN = 80
"""Characters of a bad path that its sentence repeats."""


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """What the people at a workbench may name and allow. By default all that its own user can.

    Attributes:
        models: Folders below which a model may lie; None for all of this machine.
        data: The same for datasets.
        may_trust: Whether a model's own code, or its pickles, can be allowed at all.
    """

    models: tuple[Path, ...] | None = None
    data: tuple[Path, ...] | None = None
    may_trust: bool = True

    @classmethod
    def of_server(cls, home: Path, models: Iterable[Path] = (), data: Iterable[Path] = ()) -> Self:
        """That of a workbench that others can reach: its own folders, and those that its operator declares.

        Args:
            home: The workbench's folder; uploads lie below `data` and never count as models.
            models: More folders with models.
            data: More folders with datasets.
        """
        return cls(models=(home / "models", *models), data=(home / "data", *data), may_trust=False)


LOCAL = Confinement()
"""No confinement: the workbench of this machine's user alone."""


def named_path(name: str) -> Path:
    """The path that somebody named, which is there as a plain file or a folder, or is not there.

    Raises:
        SettingError: It is none, or leads to what can hang a reader or never ends.
    """
    shown = name if len(name) <= SHOWN else f"{name[:SHOWN]}…"
    shown = shown.encode(errors="replace").decode().replace("\0", "␀")
    if wrong := _unusable(name, shown):
        raise wrong
    return Path(name).expanduser()


def _unusable(name: str, shown: str) -> SettingError | None:
    """Why a path cannot be used."""
    wanted = "name a plain file or a folder."
    octets = _octets(name)
    if b"\0" in octets:
        text = f"The path {shown!r} holds characters that no path can have: {wanted}"
        return SettingError("path_text", text, name=shown)
    if len(octets) > LONGEST_PATH or any(len(part) > LONGEST_NAME for part in octets.split(b"/")):
        return SettingError("path_long", f"The path {shown!r} is longer than a path can be: {wanted}", name=shown)
    try:
        path = Path(name).expanduser()
        real = path.resolve()
    except (OSError, RuntimeError, ValueError):
        text = f"The links of the path {shown!r} lead in a circle, or its home folder is unknown: {wanted}"
        return SettingError("path_loop", text, name=shown)
    if real in TOO_WIDE or any(real.is_relative_to(folder) for folder in SYSTEM):
        text = f"The path {shown!r} belongs to the operating system: {wanted}"
        return SettingError("path_system", text, name=shown)
    if not is_plain(path):
        text = f"The path {shown!r} is a pipe, a socket or a device, which may never end: {wanted}"
        return SettingError("path_special", text, name=shown)
    return None


def _octets(name: str) -> bytes:
    """A path as the file system has it; one byte of zero for what it cannot have."""
    try:
        return os.fsencode(name)
    except UnicodeEncodeError:
        return b"\0"


def is_plain(path: Path) -> bool:
    """Whether a path leads to a plain file or a folder, or to nothing that can be looked at."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return True
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def plain_folder(folder: Path) -> None:
    """See that nothing right in a folder can hang its reader.

    Raises:
        SettingError: There is a pipe, a socket or a device.
    """
    for entry in folder.iterdir() if folder.is_dir() else ():
        named_path(str(entry))


def lies_within(path: Path, folders: Iterable[Path]) -> bool:
    """Whether a path, and every link below it, leads to one of these folders or below."""
    roots = [folder.expanduser().resolve() for folder in folders]

    def within(each: Path) -> bool:
        try:
            real = each.resolve()
        except (OSError, RuntimeError, ValueError):
            return False
        return any(real.is_relative_to(root) for root in roots)

    return within(path) and all(within(link) for link in _links(path))


def _links(folder: Path) -> Iterator[Path]:
    """All symbolic links below a folder; none are followed."""
    for inside, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if (path := Path(inside, name)).is_symlink():
                yield path
