"""What a killed process has left half-written: files and folders under temporary names that hold its number."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import psutil

_TEMPORARY = re.compile(r".+\.(?P<pid>\d{1,9})-[0-9a-f]{8}\.tmp", re.DOTALL)
"""As `engine.core.atomic.temporary_name` makes them."""


def sweep_left(folders: Iterable[Path]) -> None:
    """Delete what lies in these folders under a temporary name whose process is gone; what another one writes stays."""
    for folder in folders:
        for path in folder.glob("*.tmp"):
            if _is_left(path):
                remove(path)


def sweep_deleted_formerly(root: Path) -> None:
    """Remove what is left of runs that an earlier version deleted, under a name that everybody sees."""
    for path in root.glob("[!.]*.deleted"):
        if path.is_dir() and not path.is_symlink():
            remove(path)


def remove(path: Path) -> None:
    """Delete a file, a link or a folder, as far as that can be done."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def _is_left(path: Path) -> bool:
    """Whether the process that wrote there is gone; a later one may have its number."""
    name = _TEMPORARY.fullmatch(path.name)
    if name is None:
        return False
    try:
        began: float = psutil.Process(int(name["pid"])).create_time()
        return path.lstat().st_mtime < began - 1
    except psutil.NoSuchProcess:
        return True
    except (OSError, psutil.Error):  # it is gone already, or nothing is known of the process
        return False
