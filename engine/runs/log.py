"""The event log of a run: one JSON line per event, appended while training, read from any position."""

import contextlib
import functools
import json
import logging
import os
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from engine.core.atomic import write_text
from engine.runs.files import open_regular, parse_json
from engine.runs.typed import LARGEST
from engine.telemetry.events import Event
from engine.telemetry.schedule import is_curve_step
from engine.telemetry.serialise import to_json

PAGE_BYTES = 256 * 1024
"""Bytes of a log that one call hands over, about, so that a long run does not block the page."""

SCAN_BYTES = 16 * PAGE_BYTES
"""Bytes of a log that one call looks at: most losses of a long run are no point of its curve."""

LOSS = re.compile(rb'\{"kind": "loss", "step": (\d{1,18}),')
"""How `LogWriter` begins a loss. One that is written otherwise is parsed like any event."""

LONGEST_LINE = 16 * 2**20
"""Bytes of a line, beyond its first page, after which it is no event."""

MOST_WAITING = 32 * 2**20
"""Bytes of events that wait in memory for room on the disk; beyond it the oldest are given up."""

CLOSE_PATIENCE_S = 5.0
RETRY_S = 0.2


class LogWriter:
    """Appends events. It never interrupts training: what a full disk refuses waits in memory and is written later.

    Events stay in order, and no line is written in part: what stands half after an error is cut off again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._whole = 0
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._closed = False
        self._refused = False
        self._write_waiting()

    def publish(self, event: Event) -> None:
        """Append one event; it is flushed at once, with those that waited."""
        if self._closed:
            return
        line = json.dumps(to_json(event), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        self._waiting.append(line)
        self._waiting_bytes += len(line)
        while self._waiting_bytes > MOST_WAITING:
            self._waiting_bytes -= len(self._waiting.popleft())
        self._write_waiting()

    def sync(self) -> None:
        """Wait until the disk holds what was published; a disk that cannot is left alone, since training goes on."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.fsync(self._file.fileno())

    def close(self) -> None:
        """Write what still waits, for at most `CLOSE_PATIENCE_S`, and close the file."""
        end = time.monotonic() + CLOSE_PATIENCE_S
        while self._waiting and not self._closed and time.monotonic() < end:
            self._write_waiting()
            if self._waiting:
                time.sleep(RETRY_S)
        if self._waiting:
            logging.getLogger(__name__).warning("%d events of the run could not be written.", len(self._waiting))
            self._waiting.clear()
        self._closed = True
        self.sync()
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None

    def _write_waiting(self) -> None:
        """Write the events that wait; after an error they go on waiting, and the log of the process says so once."""
        try:
            if self._file is None:
                self._file = self._opened()
            while self._waiting:
                self._append(self._file, self._waiting[0])
                self._waiting_bytes -= len(self._waiting.popleft())
            self._refused = False
        except OSError as error:
            if self._file is not None:
                with contextlib.suppress(OSError):
                    self._file.truncate(self._whole)
            if not self._refused:
                self._refused = True
                said = "Telemetry cannot be written and waits for room, training goes on: %s"
                logging.getLogger(__name__).warning(said, error)

    def _opened(self) -> BinaryIO:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        drop_torn_line(self._path)
        if self._path.exists():
            open_regular(self._path).close()
        file = self._path.open("ab", buffering=0)
        self._whole = file.seek(0, os.SEEK_END)
        return file

    def _append(self, file: BinaryIO, line: bytes) -> None:
        """Append a whole line, or nothing and an OSError; what an earlier error left half is cut off first."""
        if file.seek(0, os.SEEK_END) > self._whole:
            file.truncate(self._whole)
        rest = line
        while rest:
            rest = rest[file.write(rest) :]
        self._whole += len(line)


def read_events(path: Path, cursor: int) -> tuple[list[dict[str, Any]], int]:
    """Events from byte `cursor` on, about a page of them, and the cursor after them.

    An incomplete last line is left for the next call. Losses of long runs are subsampled by a rule that depends on the
    step alone, so that reading in parts gives the same curve; they are passed over without being parsed. A cursor after
    the end gives no events, nor does a log that is not there yet; one that cannot be read is asked for again later, and
    the log of the process says why, once.
    """
    cursor = max(0, cursor)
    if cursor > LARGEST:
        return [], cursor
    try:
        with open_regular(path) as file:
            return _events_from(file, cursor)
    except FileNotFoundError:  # the run has not begun
        return [], cursor
    except OSError as error:
        _tell(f"The events of a run cannot be read: {error}")
        return [], cursor


@functools.lru_cache(maxsize=256)
def _tell(sentence: str) -> None:
    """Write into the log of the process, once: pages ask for the events of a run again and again."""
    logging.getLogger(__name__).warning(sentence)


def _events_from(file: BinaryIO, begin: int) -> tuple[list[dict[str, Any]], int]:
    """What `read_events` gives, of an open log."""
    events: list[dict[str, Any]] = []
    cursor, handed_over = begin, 0
    while handed_over < PAGE_BYTES // 4 and cursor - begin < SCAN_BYTES:
        file.seek(cursor)
        data, length = _whole_lines(file)
        if not length:
            break
        lines = [line for line in data.split(b"\n") if not _is_passed_over(line)]
        handed_over += sum(map(len, lines))
        events += filter(_wanted, _parsed(lines))
        cursor += length
    return events, cursor


def _whole_lines(file: BinaryIO) -> tuple[bytes, int]:
    """A page of whole lines, or one line that is longer than that; and how many bytes of the file they are."""
    data = file.read(PAGE_BYTES)
    if b"\n" not in data and len(data) == PAGE_BYTES:
        data += file.readline(LONGEST_LINE)
        if not data.endswith(b"\n") and len(data) == PAGE_BYTES + LONGEST_LINE:
            return b"", len(data)  # no event is that long
    end = data.rfind(b"\n") + 1
    return data[:end], end


def all_events(path: Path) -> Iterator[dict[str, Any]]:
    """Every event, page by page."""
    cursor = 0
    while True:
        events, after = read_events(path, cursor)
        if after == cursor:
            return
        yield from events
        cursor = after


def events_of(path: Path, kind: str) -> Iterator[dict[str, Any]]:
    """Every event of one kind; lines of others are not parsed, so that a long log is read fast."""
    mark = f'"kind": "{kind}"'.encode()
    try:
        with open_regular(path) as file:
            yield from _parsed(line for line in file if mark in line)
    except OSError:
        return


def cut_back(path: Path, step: int) -> None:
    """Delete the events after `step`, from which the run is resumed."""
    try:
        with open_regular(path) as file:
            lines = file.read()
    except OSError:
        return
    kept = [json.dumps(event, ensure_ascii=False) for event in _parsed(lines.split(b"\n")) if event["step"] <= step]
    write_text(path, "".join(line + "\n" for line in kept).encode("utf-8", "replace").decode())


def drop_torn_line(path: Path) -> None:
    """Delete an incomplete last line, which a crash may leave.

    Raises:
        OSError: It cannot be read or changed.
    """
    if not path.exists():
        return
    with open_regular(path) as file:
        data = file.read()
    if data and not data.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(data.rfind(b"\n") + 1)


def _parsed(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The events among the lines; a damaged one is passed over, an older version left some inside of a file."""
    for line in lines:
        try:
            event = parse_json(line)
            if b"\\u" in line:
                event = json.loads(json.dumps(event, ensure_ascii=False).encode("utf-8", "replace"))
        except ValueError:
            continue
        if isinstance(event, dict) and isinstance(event.get("kind"), str) and _is_step(event.get("step")):
            yield event


def _is_step(step: object) -> bool:
    return isinstance(step, int) and not isinstance(step, bool) and 0 <= step <= LARGEST


def _is_passed_over(line: bytes) -> bool:
    """Whether a line is a loss that no curve shows."""
    loss = LOSS.match(line)
    return loss is not None and not is_curve_step(int(loss[1]))


def _wanted(event: dict[str, Any]) -> bool:
    return event.get("kind") != "loss" or is_curve_step(event["step"])
