"""Fills templates of users and models in a process of its own, and ends it when it takes too long or too much."""

import contextlib
import functools
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.core.errors import DataError
from engine.data.jinja_worker import BATCH_S, too_much_memory
from engine.data.lately import Lately

ROOT = Path(__file__).resolve().parents[2]
KEPT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "HOME", "VIRTUAL_ENV")
"""Variables of the environment that Python needs; the others, which may hold tokens, are kept from it."""

BATCH_ROWS = 32
START_S, ROW_S = 20, 0.001
"""Seconds for all rows: a start, and for each row many times what an ordinary template needs."""

MOST_BYTES = 2**28
MOST_TEXT = 500_000_000
"""Characters of all rows together."""


def filled(template: str, rows: Iterable[Mapping[str, Any]], count: int) -> Iterator[str]:
    """A user's template with each row's columns in it.

    Args:
        template: Jinja over the columns.
        rows: Cells by column.
        count: How many rows there are, by which the time is limited.

    Raises:
        DataError: The template fails, or takes too much time or memory.
    """
    ends, written = time.monotonic() + START_S + ROW_S * count, 0
    with _process() as process:
        _ask(process, {"template": template, "chat": False}, ends)
        source = iter(rows)
        while batch := list(itertools.islice(source, BATCH_ROWS)):
            for text in _ask(process, batch, ends):
                written += len(text)
                if written > MOST_TEXT:
                    raise _failed(f"it writes more than {MOST_TEXT:,} characters in all rows")
                yield text


@functools.lru_cache(maxsize=16)
def tried(template: str, prompt: str) -> tuple[frozenset[str], str]:
    """The names that a user's template uses, and what it makes of a prompt where that is the only one; else nothing.

    Raises:
        DataError: As for `filled`.
    """
    ends = time.monotonic() + START_S
    with _process() as process:
        names = frozenset(_ask(process, {"template": template, "chat": False}, ends))
        return names, _ask(process, [{"prompt": prompt}], ends)[0] if names == {"prompt"} else ""


def chats(template: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """A model's chat template filled with several sets of variables, each as JSON.

    One that failed is not tried again for a while: nobody shall wait for it at every question.

    Raises:
        DataError: As for `filled`.
    """
    if (refusal := _refused.find((template, values))) is not None:
        raise DataError.from_dict(refusal)
    try:
        return _chats(template, values)
    except DataError as error:
        _refused.keep((template, values), error.to_dict())
        raise


_refused: Lately[dict[str, Any]] = Lately(16, seconds=60)


@functools.lru_cache(maxsize=16)
def _chats(template: str, values: tuple[str, ...]) -> tuple[str, ...]:
    ends = time.monotonic() + START_S
    with _process() as process:
        _ask(process, {"template": template, "chat": True}, ends)
        return tuple(_ask(process, [json.loads(each) for each in values], ends))


def chats_of_rows(
    template: str, rows: Iterable[Sequence[Sequence[Mapping[str, Any]]]], count: int
) -> Iterator[tuple[str, ...]]:
    """A model's chat template filled for many rows.

    Args:
        template: In Jinja.
        rows: Of each row the forms to try, one after the other until the template takes one; a form is several sets of
            variables, of which each is filled.
        count: How many rows there are, by which the time is limited.

    Raises:
        DataError: The template refuses all forms of a row, or takes too much time or memory.
    """
    ends, source = time.monotonic() + START_S + ROW_S * count, iter(rows)
    with _process() as process:
        _ask(process, {"template": template, "chat": True}, ends)
        while batch := list(itertools.islice(source, BATCH_ROWS)):
            try:
                texts = _ask(process, [values for forms in batch for values in forms[0]], ends)
                sizes = [len(forms[0]) for forms in batch]
                yield from (tuple(itertools.islice(part, size)) for part in [iter(texts)] for size in sizes)
            except DataError as error:
                if error.key != "bad_chat_template":
                    raise
                for forms in batch:
                    yield _first_taken(process, forms, ends)


def _first_taken(
    process: "subprocess.Popen[bytes]", forms: Sequence[Sequence[Mapping[str, Any]]], ends: float
) -> tuple[str, ...]:
    for form in forms[:-1]:
        try:
            return tuple(_ask(process, list(form), ends))
        except DataError as error:
            if error.key != "bad_chat_template":
                raise
    return tuple(_ask(process, list(forms[-1]), ends))


def end_running() -> None:
    """End all templates that are being filled, each with an error: what waited for them shall end."""
    for process in list(_running):
        process.kill()


_running: set["subprocess.Popen[bytes]"] = set()


@contextlib.contextmanager
def _process() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.data.jinja_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env={name: os.environ[name] for name in KEPT if name in os.environ},
    )
    _running.add(process)
    try:
        yield process
    finally:
        _running.discard(process)
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()


def _ask(process: "subprocess.Popen[bytes]", request: Any, ends: float) -> Any:  # noqa: ANN401 - plain values
    """Send a request; its answer, or the process's end if there is none in time.

    Raises:
        DataError: The template fails, or takes too much time or memory.
    """
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(max(0.0, min(BATCH_S, ends - time.monotonic())), end)
    timer.daemon = True
    timer.start()
    try:
        line = _exchange(process, json.dumps(request).encode() + b"\n")
    finally:
        timer.cancel()
    if not line.endswith(b"\n"):
        raise _too_slow() if late.is_set() else too_much_memory()
    answer = json.loads(line.decode("utf-8", "surrogatepass"))
    if isinstance(answer, dict):
        raise DataError.from_dict(answer["error"])
    return answer


def _exchange(process: "subprocess.Popen[bytes]", octets: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(octets)
        process.stdin.flush()
        return process.stdout.readline(MOST_BYTES)
    except OSError:
        return b""


def _too_slow() -> DataError:
    return DataError(
        "jinja_slow",
        f"The template is not filled within {BATCH_S} seconds: look for a loop that goes on and on, or simplify it.",
        seconds=BATCH_S,
    )


def _failed(reason: str) -> DataError:
    return DataError("jinja_failed", f"own_template cannot be filled: {reason}. Simplify it.", reason=reason)
