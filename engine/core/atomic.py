"""Atomic writes: a crash leaves the old file or the new one, never a partial one; durable ones survive a power cut."""

import contextlib
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.core.writing import writing


def write_text(path: Path, text: str, *, durable: bool = False) -> None:
    """Write UTF-8 text under a temporary name, then rename; `durable` also waits until the disk holds it.

    Raises:
        NotWrittenError: The disk is full, for instance; the old file is as it was, and nothing is left beside it.
    """
    with writing(path), replacing(path, durable=durable) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, values: Any, *, durable: bool = False) -> None:  # noqa: ANN401 - any JSON value
    """Write indented JSON as `write_text` writes text."""
    write_text(path, json.dumps(values, ensure_ascii=False, indent=1) + "\n", durable=durable)


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """A temporary name to write under, renamed to `path` at the end; after an error the temporary file is deleted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    try:
        yield temporary
        if durable:
            sync(temporary)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync(path.parent)


def temporary_name(path: Path) -> Path:
    """A name beside `path` that no other process or thread uses."""
    return path.with_name(f"{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.tmp")


def sync(path: Path) -> None:
    """Wait until the disk holds a file's contents, or a folder's entries.

    A file system that cannot do so for a folder is left as it is.

    Raises:
        OSError: The file's contents could not be written.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        if path.is_dir():
            return  # Windows opens no folders
        raise
    try:
        os.fsync(descriptor)
    except OSError:
        if not path.is_dir():
            raise
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """`sync` every file and folder of a tree."""
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)
