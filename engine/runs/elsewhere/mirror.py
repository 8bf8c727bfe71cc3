"""Mirrors a run folder to a place, beside the training that writes it. Whatever goes wrong there, training goes on."""

import contextlib
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.core.atomic import write_text
from engine.core.errors import RunError
from engine.runs.elsewhere.manifest import (
    BEAT_S,
    FILES,
    LOG,
    LOG_PART_BYTES,
    PART_BYTES,
    SLOTS,
    Manifest,
    Part,
    Parts,
    is_unreachable,
    newest,
    pieces,
)
from engine.runs.elsewhere.place import Place
from engine.runs.files import parse_json
from engine.runs.folder import RunFolder
from engine.runs.requests import FILE, REQUESTS

EVERY_S = 2.0
"""Seconds between two looks at the run folder, and at what is asked."""
PATIENCE_S = 60.0
"""Seconds without any progress after which what is left is given up when the run has ended."""
STAGE = ".mirror"
"""Folder within a run folder in which the files that are being sent are held, as hard links."""
TAKES_OVER_S = 2 * BEAT_S + EVERY_S

Stamp = tuple[tuple[str, int, int, int], ...]


class Mirror:
    """Keeps a copy of a run up to date, in a thread of its own.

    The files of a state (run.json, checkpoint, adapter) go together: a manifest never has some of one state and some of
    another. While a large one is on its way, the event log goes on beside it.

    Args:
        folder: Of the run, which this process trains.
        place: Where the copy goes: the folder of all runs, in which this one gets its own.
        say: Told, once, when the place cannot be reached, and when it can again.
        new: Whether the run has just been made, so that nothing of it can be there.
    """

    def __init__(self, folder: RunFolder, place: Place, say: Callable[[str], None], *, new: bool) -> None:
        self._folder, self._place, self._say, self._new = folder, place.of(folder.id), say, new
        self._writer = uuid.uuid4().hex
        self._claimed = self._displaced = self._told = False
        self._there: set[str] = set()
        self._sending: set[str] = set()
        self._sent = 0
        self._last: Manifest | None = None
        self._state: dict[str, Parts] = {}
        self._log: Parts = ()
        self._mirrored: Stamp = ()
        self._upload: Iterator[None] | None = None
        self._known: dict[tuple[int, int, int], Parts] = {}
        self._written = -BEAT_S
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mirror", daemon=True)

    def start(self) -> None:
        """Claim the run's place and begin.

        Raises:
            RunError: Another process mirrors this run there, or another run has its place.
        """
        self._clear_stage()
        with self._reaching():
            self._claim()
        self._thread.start()

    def close(self) -> None:
        """Send what is left, as long as that makes progress."""
        self._ending.set()
        sent, since = self._sent, time.monotonic()
        while self._thread.is_alive():
            self._thread.join(0.2)
            if self._sent != sent:
                sent, since = self._sent, time.monotonic()
            elif time.monotonic() - since > PATIENCE_S:
                self._displaced = True
                self._say(f"What is new could not be copied to {self._place.shown}; it is in the run folder here.")
                return
        self._clear_stage()

    def _work(self) -> None:
        wait_s = EVERY_S
        while not self._ending.wait(wait_s) and not self._displaced:
            done = False
            with self._reaching():
                self._round()
                done = True
            wait_s = EVERY_S if done else min(2 * wait_s, 30.0)
        while not self._displaced:
            with self._reaching():
                if self._round(last=True):
                    return
            time.sleep(0.2)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Around what needs the place: where it cannot be reached, that is told once, and what was sent stays known."""
        try:
            yield
        except (RunError, OSError) as error:
            self._upload = None
            if isinstance(error, RunError) and not is_unreachable(error):
                if not self._thread.is_alive():
                    raise  # before training, whoever starts it shall know
                self._displaced = True
                self._say(str(error))
            elif not self._told:
                self._told = True
                self._say(f"The copy of the run waits, training goes on: {error}")
        else:
            if self._told:
                self._told = False
                self._say(f"The copy at {self._place.shown} goes on.")

    def _claim(self) -> None:
        """See that nobody else writes there, and take what a former mirror of this run has left.

        Raises:
            RunError: Somebody does, or what is there is another run's.
        """
        found = newest(self._place)
        if found is not None and (self._new or not self._is_of_this_run(found)):
            text = f"{self._place.shown} holds another run already: choose another --out, or another place."
            raise RunError("mirror_exists", text, place=self._place.shown)
        if found is not None and not found.ended and self._lives(found):
            text = f"Another process trains this run and mirrors it to {self._place.shown}: stop it there first."
            raise RunError("mirror_busy", text, place=self._place.shown)
        if found is not None:
            self._last, self._there = found, found.digests
        self._place.delete(FILE)
        self._claimed = True

    def _is_of_this_run(self, found: Manifest) -> bool:
        data = [part.read(self._place) for part in found.files.get("run.json", ())]
        try:
            created = parse_json(b"".join(filter(None, data)))["created"]
        except (ValueError, LookupError, TypeError):
            return False
        return bool(created == self._folder.facts().created)

    def _lives(self, found: Manifest) -> bool:
        end = time.monotonic() + TAKES_OVER_S
        while time.monotonic() < end:
            time.sleep(0.2)
            now = newest(self._place)
            if now is not None and (now.beat, now.writer) != (found.beat, found.writer):
                return not now.ended
        return False

    def _round(self, *, last: bool = False) -> bool:
        """One look; returns whether all is there.

        Raises:
            RunError: The place cannot be reached, or is another process's by now.
        """
        if not self._claimed:
            self._claim()
        self._hear()
        end = time.monotonic() + EVERY_S
        if self._upload is None and self._stamp() != self._mirrored:
            self._upload = self._send_state()
        while self._upload is not None and (time.monotonic() < end or last):
            if next(self._upload, "whole") == "whole":
                self._upload = None
        self._send_log()
        whole = self._upload is None and self._stamp() == self._mirrored
        self._write_manifest(ended=last and whole)
        return whole

    def _hear(self) -> None:
        """Hand on what somebody asks of the run, as if they had asked on this machine."""
        asked = self._place.read(FILE, 64)
        if asked is None:
            return
        self._place.delete(FILE)
        request = asked.decode(errors="replace").strip()
        if request in REQUESTS:
            write_text(self._folder.path / FILE, request)

    def _files(self) -> Iterator[tuple[str, Path]]:
        """The files of a state, by their paths in the run folder."""
        root = self._folder.path
        for pattern in ("*.json", "run.yaml", "adapter/*", "checkpoint/*", "best/*/*", "snapshots/*"):
            for path in root.glob(pattern):
                name = path.relative_to(root).as_posix()
                if FILES.fullmatch(name) and path.is_file():
                    yield name, path

    def _stamp(self) -> Stamp:
        found = []
        for name, path in self._files():
            with contextlib.suppress(OSError):
                status = path.stat()
                found.append((name, status.st_mtime_ns, status.st_size, status.st_ino))
        return tuple(sorted(found))

    def _stage(self) -> tuple[Stamp, dict[str, Path]]:
        """The files of one state as hard links, which stay as they are whatever replaces them."""
        while True:
            self._clear_stage()
            before = self._stamp()
            staged = {}
            with contextlib.suppress(FileNotFoundError):  # replaced meanwhile: the next try has the new one
                for name, path in self._files():
                    staged[name] = self._folder.path / STAGE / name
                    _link(path, staged[name])
                if self._stamp() == before and len(staged) == len(before):
                    return before, staged
            time.sleep(0.05)

    def _send_state(self) -> Iterator[None]:
        """Send the files of the present state, part by part; they count when all of them are there."""
        stamp, staged = self._stage()
        state = {}
        for name, path in staged.items():
            status = path.stat()
            key = (status.st_ino, status.st_mtime_ns, status.st_size)
            known = self._known.get(key)
            if known is not None and all(part.digest in self._there for part in known):
                state[name] = known
                continue
            parts = []
            for data in pieces(path, PART_BYTES):
                parts.append(self._send(data))
                self._sending.add(parts[-1].digest)
                yield
            state[name] = self._known[key] = tuple(parts)
        self._state, self._mirrored, self._sending = state, stamp, set()
        self._known = {key: parts for key, parts in self._known.items() if parts in state.values()}
        self._clear_stage()

    def _send_log(self) -> None:
        """Send what is new in the event log: of the parts that are full, nothing is read again but the last one."""
        path, full = self._folder.events_path, [part for part in self._log if part.size == LOG_PART_BYTES]
        try:
            with path.open("rb") as file:
                if full:  # a run that goes on from its checkpoint has cut the log: then all is read again
                    file.seek((len(full) - 1) * LOG_PART_BYTES)
                    if Part.of(file.read(LOG_PART_BYTES)) != full[-1]:
                        full = []
                        file.seek(0)
                parts = list(full)
                for data in iter(lambda: file.read(LOG_PART_BYTES), b""):
                    parts.append(self._send(data))
                    if len(data) < LOG_PART_BYTES:
                        break  # it grows meanwhile: only the last part may be short
        except FileNotFoundError:
            return
        self._log = tuple(parts)

    def _send(self, data: bytes) -> Part:
        part = Part.of(data)
        if part.digest not in self._there:
            self._place.write(part.name, data)
            self._there.add(part.digest)
            self._sent += 1
        return part

    def _write_manifest(self, *, ended: bool) -> None:
        """Say what is there, where that is something new, or it is time for a sign of life.

        Raises:
            RunError: Another process has begun to mirror the run.
        """
        files = dict(self._state)
        if "run.json" not in files:
            return  # the first state is on its way
        if self._log:
            files[LOG] = self._log
        last, since = self._last, time.monotonic() - self._written
        if last is not None and not ended and files == last.files and since < BEAT_S:
            return
        self._see_that_it_is_mine(last)
        beat = 1 + (last.beat if last is not None else 0)
        manifest = Manifest(beat=beat, writer=self._writer, ended=ended, files=files)
        self._place.write(SLOTS[beat % 2], manifest.to_bytes())
        self._written = time.monotonic()
        needed = manifest.digests | (last.digests if last is not None else set())
        self._last = manifest
        needed |= self._sending
        for digest in self._there - needed:
            self._place.delete(Part(digest, 0).name)
        self._there &= needed

    def _see_that_it_is_mine(self, last: Manifest | None) -> None:
        found = newest(self._place)
        known = {self._writer, *([last.writer] if last is not None else [])}
        if found is not None and found.writer not in known:
            text = f"Another process mirrors this run to {self._place.shown} now: this one no longer does."
            raise RunError("mirror_lost", text, place=self._place.shown)

    def _clear_stage(self) -> None:
        shutil.rmtree(self._folder.path / STAGE, ignore_errors=True)


def _link(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except FileNotFoundError:
        raise
    except OSError:  # a file system without hard links
        shutil.copy2(path, target)


@contextmanager
def mirrored(folder: RunFolder, place: Place | None, say: Callable[[str], None], *, new: bool) -> Iterator[None]:
    """Keep a copy of a run at a place while it trains; nothing where there is no place.

    Raises:
        RunError: Another process mirrors this run there, or another run has its place.
    """
    if place is None:
        yield
        return
    mirror = Mirror(folder, place, say, new=new)
    mirror.start()
    try:
        yield
    finally:
        mirror.close()
