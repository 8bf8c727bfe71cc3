"""The event log of a run: one JSON line per event, appended while training, read from any position."""

import contextlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from engine.core.atomic import write_text
from engine.telemetry.events import Event
from engine.telemetry.schedule import is_curve_step
from engine.telemetry.serialise import to_json

PAGE_BYTES = 256 * 1024
"""How much of a log is read in one go, so that a long run never blocks the page."""


class LogWriter:
    """Appends events. Never raises into training: when the disk refuses, it says so once and goes on."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            drop_torn_line(path)
            self._file = path.open("ab")
        except OSError as error:
            self._give_up(error)

    def publish(self, event: Event) -> None:
        """Append one event; readers see it at once."""
        if self._file is None:
            return
        try:
            self._file.write(json.dumps(to_json(event), ensure_ascii=False).encode() + b"\n")
            self._file.flush()
        except (OSError, ValueError) as error:
            self._give_up(error)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None

    def _give_up(self, error: Exception) -> None:
        logging.getLogger(__name__).warning("Telemetry is not written any more, training goes on: %s", error)
        self._file = None


def read_events(path: Path, cursor: int) -> tuple[list[dict[str, Any]], int]:
    """Events from byte `cursor` on, at most a page of them, and the cursor behind them.

    A torn last line is left for later. Of long runs, losses are thinned by a rule that depends on the step alone, so
    that a curve never changes its shape. A cursor behind the end gives nothing.
    """
    try:
        with path.open("rb") as file:
            file.seek(cursor)
            data = file.read(PAGE_BYTES)
            if b"\n" not in data and len(data) == PAGE_BYTES:
                data += file.readline()
    except OSError:
        return [], cursor
    end = data.rfind(b"\n") + 1
    return [event for event in _parsed(data[:end]) if _wanted(event)], cursor + end


def all_events(path: Path) -> Iterator[dict[str, Any]]:
    """Every event, page by page."""
    cursor = 0
    while True:
        events, after = read_events(path, cursor)
        if after == cursor:
            return
        yield from events
        cursor = after


def cut_back(path: Path, step: int) -> None:
    """Drop everything that was said about steps after `step`: the run goes on from there."""
    try:
        lines = path.read_bytes()
    except OSError:
        return
    kept = [json.dumps(event, ensure_ascii=False) for event in _parsed(lines) if event["step"] <= step]
    write_text(path, "".join(line + "\n" for line in kept))


def drop_torn_line(path: Path) -> None:
    """Cut off what a crash left of an unfinished last line."""
    if path.exists():
        data = path.read_bytes()
        if data and not data.endswith(b"\n"):
            with path.open("r+b") as file:
                file.truncate(data.rfind(b"\n") + 1)


def _parsed(data: bytes) -> Iterator[dict[str, Any]]:
    for line in data.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue  # a torn line in the middle of a file: a crash, then a resume by an older program
        if isinstance(event, dict) and isinstance(event.get("step"), int):
            yield event


def _wanted(event: dict[str, Any]) -> bool:
    return event.get("kind") != "loss" or is_curve_step(event["step"])
