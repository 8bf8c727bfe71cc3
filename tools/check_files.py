"""Text ends with one newline, large files live in assets/: `python -m tools.check_files FILE …`, before a commit."""

import sys
from collections.abc import Iterator
from pathlib import Path

LARGEST = 250_000
"""Bytes that a file outside of assets/ may have: what is larger is data, and belongs there."""
WRITTEN_BY_LIBRARIES = {"tokenizer.json"}
"""Text files whose end is up to the library that writes them."""


def problems(path: Path) -> Iterator[str]:
    """What is wrong with a file, given by its path relative to the repository's root; nothing for an empty one."""
    content = path.read_bytes()
    if len(content) > LARGEST and path.parts[0] != "assets":
        yield f"{path}: {len(content):,} bytes are more than {LARGEST:,}; data belongs in assets/"
    if not is_text(content) or path.name in WRITTEN_BY_LIBRARIES:
        return
    if not content.endswith(b"\n"):
        yield f"{path}: the last line has no newline"
    if content.endswith(b"\n\n"):
        yield f"{path}: blank lines at the end"


def is_text(content: bytes) -> bool:
    """Whether a file is text in the sense of git: no zero byte near its beginning, and not empty."""
    return bool(content) and b"\0" not in content[:8000]


if __name__ == "__main__":
    sys.exit("\n".join(problem for name in sys.argv[1:] for problem in problems(Path(name))) or 0)
