"""Reads files of run folders, whatever stands in their place: never waits, never reads without bound."""

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

from engine.core.plain_json import loads

MOST_BYTES = 16 * 2**20
"""Largest JSON file that is read whole; a run.json has some kilobytes."""

DEEPEST = 64
"""Levels of nesting that a JSON file may have."""


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading, without waiting for the other end of a pipe.

    Raises:
        OSError: There is no such file, or it is a folder, a pipe or a device.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return os.fdopen(descriptor, "rb")


def read_json(path: Path) -> Any:  # noqa: ANN401 - any JSON value
    """The value of a JSON file; characters that no UTF-8 text can hold become question marks.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no JSON, too large, or nested too deeply.
    """
    with open_regular(path) as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES >> 20} MiB")
    value = parse_json(data)
    if b"\\u" in data:
        value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return value


def holds(path: Path, text: str) -> bool:
    """Whether a text stands in the first `MOST_BYTES` of a file; not so where it cannot be read."""
    try:
        with open_regular(path) as file:
            return text.encode() in file.read(MOST_BYTES)
    except OSError:
        return False


def parse_json(data: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """The value of a JSON text.

    Raises:
        ValueError: It is no JSON, or nested too deeply.
    """
    try:
        value = loads(data)
    except UnicodeDecodeError as error:
        raise ValueError("it is no UTF-8 text") from error
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level if isinstance(outer, dict | list) for inner in _inside(outer)]
        if not level:
            return value
    raise ValueError(f"it is nested more than {DEEPEST} levels deep")


def _inside(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value
