"""Fills one Jinja template in a process of its own, within limits of memory and time; `jinja_process` starts it.

It speaks JSON lines: first the template, answered by the names that it uses; then lists of values, each answered by the
texts. An answer is `{"error": …}` where something fails. It imports nothing but Jinja, so that it starts in a moment.
"""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from engine.core.errors import DataError
from engine.data import jinja, jinja_chat

MOST_MEMORY = 512 * 2**20
"""Bytes of address space."""

BATCH_S = 10
"""Seconds that a list of values may take."""

Render = Callable[[Mapping[str, Any]], str]


def main() -> None:
    """Answer line by line until there are no more."""
    _limit_memory()
    answers = sys.stdout.buffer
    render: Render | None = None
    for line in sys.stdin.buffer:
        _limit_time()
        try:
            request = json.loads(line.decode("utf-8", "surrogatepass"))
            if render is None:
                render, answer = _opened(**request)
            else:
                answer = [render(values) for values in request]
            octets = json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass")
        except DataError as error:
            octets = json.dumps({"error": error.to_dict()}).encode()
        except MemoryError:
            answer = None
            octets = json.dumps({"error": too_much_memory().to_dict()}).encode()
        answers.write(octets + b"\n")
        answers.flush()


def _opened(template: str, *, chat: bool) -> tuple[Render, Any]:
    if chat:
        return jinja_chat.renderer(template), []
    return jinja.renderer(template), sorted(jinja.needs(template))


def too_much_memory() -> DataError:
    """The error of a template that fills the memory."""
    size = MOST_MEMORY // 2**20
    return DataError(
        "jinja_memory",
        f"The template needs more than {size} MB of memory for one row: look for a text or a list that it makes longer "
        "and longer.",
        size=size,
    )


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows has no such limits, macOS not this one
        import resource  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time() -> None:
    """Whoever started this ends it in time; this holds where that process is gone."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415

        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + BATCH_S + 5, most))


if __name__ == "__main__":
    main()
