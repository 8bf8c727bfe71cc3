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
"""Bytes of a log that one call reads, so that a long run does not block the page."""


class LogWriter:
    """Appends events. It never interrupts training: after an I/O error it logs one warning and writes no more."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            drop_torn_line(path)
            self._file = path.open("ab")
        except OSError as error:
            self._give_up(error)

    def publish(self, event: Event) -> None:
        """Append one event; it is flushed at once."""
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
    """Events from byte `cursor` on, at most a page of them, and the cursor after them.

    An incomplete last line is left for the next call. Losses of long runs are subsampled by a rule that depends on the
    step alone, so that reading in parts gives the same curve. A cursor after the end gives no events.
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
    """Delete the events after `step`, from which the run is resumed."""
    try:
        lines = path.read_bytes()
    except OSError:
        return
    kept = [json.dumps(event, ensure_ascii=False) for event in _parsed(lines) if event["step"] <= step]
    write_text(path, "".join(line + "\n" for line in kept))


def drop_torn_line(path: Path) -> None:
    """Delete an incomplete last line, which a crash may leave."""
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
            continue  # an incomplete line inside of a file: an older version resumed the run after a crash
        if isinstance(event, dict) and isinstance(event.get("step"), int):
            yield event


def _wanted(event: dict[str, Any]) -> bool:
    return event.get("kind") != "loss" or is_curve_step(event["step"])
