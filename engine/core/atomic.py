"""Atomic writes: a crash leaves the old file or the new one, never a partial one."""

import json
import os
from pathlib import Path
from typing import Any


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text under a temporary name, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def write_json(path: Path, values: Any) -> None:  # noqa: ANN401 - any JSON value
    """Write indented JSON under a temporary name, then rename."""
    write_text(path, json.dumps(values, ensure_ascii=False, indent=1) + "\n")


def temporary_name(path: Path) -> Path:
    """A name beside `path` that no other process uses."""
    return path.with_name(f"{path.name}.{os.getpid()}.tmp")
