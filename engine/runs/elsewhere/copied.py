"""A copy of a run that a process elsewhere trains and mirrors: pulled part by part, believed only where it is whole.

Anybody may have written what lies there. Names, sizes and bytes are checked before anything reaches the disk, and a run
belongs to nobody here, whoever it names.
"""

import contextlib
import math
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.core.atomic import replacing, sync_tree, write_json
from engine.core.errors import RunError
from engine.core.writing import writing
from engine.runs.elsewhere.manifest import LOG, Manifest, Part, Parts, newest, total
from engine.runs.elsewhere.place import Place
from engine.runs.facts import RunFacts
from engine.runs.files import parse_json
from engine.runs.folder import ACTIVE, RunFolder
from engine.runs.requests import FILE

STATE = ".pulled.json"
"""File in the copy with what of it has been pulled."""
SILENT_S = 30.0
"""Seconds without a sign of life, of those in which there could have been one, after which a mirror counts as gone."""
LONGEST_LOOK_S = 10.0
"""The most of them that one look counts: where a place was out of reach, nobody knows."""
MOST_LOG_BYTES = 16 * 2**20
"""Bytes of an event log that one look pulls."""
MOST_FACTS_BYTES = 16 * 2**20
MOST_FILE_BYTES = 2**31
"""Bytes of a file that is pulled before anybody asks for it; larger ones come when the run is resumed."""


class Copy:
    """The copy of one run. `look` is for one thread; everything else is for any.

    Args:
        place: The run's.
        path: Of the copy's folder.

    Attributes:
        ended: Whether its mirror has ended well.
        quiet: Whether the last look saw nobody who mirrors it, so that it need not be looked at often.
    """

    def __init__(self, place: Place, path: Path) -> None:
        self.place, self.path = place, path
        self._pulled, self._sign, self._silent_s = _state(path)
        self._looked = math.nan
        self._remembered: object = None
        self.ended = self.quiet = False

    def look(self, *, facts_alone: bool = False) -> None:
        """Pull what is new of what the page shows; checkpoint, best state and snapshots stay there.

        Args:
            facts_alone: Whether run.json is enough.

        Raises:
            RunError: The place cannot be reached.
            NotWrittenError: The copy cannot be written.
        """
        manifest = newest(self.place)
        if manifest is None:
            self.quiet = True
            return
        self._listen(manifest)
        self.quiet = not self.lives
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            first = not (self.path / "run.json").exists()
            pulled = {} if first else dict(self._pulled)
            for name in ["run.json"] if facts_alone else _in_order(manifest.files, first=first):
                self._pull(name, pulled, manifest.files[name])
            for name in pulled.keys() - manifest.files.keys():
                (self.path / name).unlink(missing_ok=True)
                del pulled[name]
            self._remember(pulled)

    def _listen(self, manifest: Manifest) -> None:
        """Count the seconds in which a sign of life could have come, on the clock of this process alone."""
        now = time.monotonic()
        since, self._looked = now - self._looked, now
        if self._sign != (manifest.writer, manifest.beat):
            self._sign, self._silent_s = (manifest.writer, manifest.beat), 0.0
        elif not math.isnan(since):
            self._silent_s += min(since, LONGEST_LOOK_S)  # the place was out of reach for what is longer
        self.ended = manifest.ended

    @property
    def lives(self) -> bool:
        """Whether a process trains the run, as far as can be seen from here."""
        return not self.ended and self._silent_s < SILENT_S

    def settle(self) -> None:
        """Count a mirror as gone that gave no sign between the last two looks, which were far apart."""
        if self._silent_s > 0:
            self._silent_s = SILENT_S

    def status(self) -> str:
        """The present status, as `RunFolder.status` has it.

        Raises:
            RunError: The copy's run.json cannot be used.
        """
        facts = RunFolder(self.path).facts()
        if facts.status not in ACTIVE or self.lives:
            return facts.status
        return "finished" if facts.step >= facts.steps > 0 else "interrupted"

    def ask(self, request: str) -> None:
        """Ask the process that trains the run, see `engine.runs.requests`.

        Raises:
            RunError: None does, or the place cannot be reached.
        """
        if self.status() not in ACTIVE:
            run = self.path.name
            raise RunError("run_idle", f"The run {run!r} is not being trained: there is nothing to stop.", run=run)
        self.place.write(FILE, request.encode())

    def fetch(self, target: Path, owner: str) -> RunFolder:
        """A run folder of its own with all that has been mirrored, from which training can go on.

        Args:
            target: Where; it is made whole or not at all.
            owner: Whose run that is.

        What a visitor was allowed and trusted was what the copy says: a run that has another config by now is refused.

        Raises:
            RunError: The run is being trained, its place cannot be reached, or what is there is not whole, or changed.
            NotWrittenError: It cannot be written.
        """
        run = self.path.name
        if self.lives and self.status() in ACTIVE:
            text = f"The run {run!r} is being trained at {self.place.shown}: stop it first, then resume it here."
            raise RunError("run_lives_elsewhere", text, run=run, place=self.place.shown)
        manifest = newest(self.place)
        if manifest is None or "run.json" not in manifest.files:
            raise self._not_whole("run.json")
        fresh = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.deleted")
        try:
            with writing(target):
                for name, parts in manifest.files.items():
                    if not _written(self.place, parts, fresh / name):
                        raise self._not_whole(name)
                _write_facts(fresh / "run.json", (fresh / "run.json").read_bytes(), owner)
                if RunFolder(fresh).facts().config != RunFolder(self.path).facts().config:
                    text = f"The run {run!r} at {self.place.shown} is another one than was shown: look at it once more."
                    raise RunError("copy_changed", text, run=run, place=self.place.shown)
                (fresh / "lock").touch()
                sync_tree(fresh)
                fresh.rename(target)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        return RunFolder.open(target)

    def _not_whole(self, name: str) -> RunError:
        text = f"{name} of the run {self.path.name!r} is not whole at {self.place.shown}: try again in a minute."
        return RunError("copy_not_whole", text, run=self.path.name, place=self.place.shown, file=name)

    def _pull(self, name: str, pulled: dict[str, Parts], parts: Parts) -> None:
        """Bring one file up to date, as far as its parts are there."""
        path, before = self.path / name, pulled.get(name, ())
        if parts == before:
            return
        if name == LOG:
            pulled[name] = _appended(self.place, path, before, parts)
        elif name == "run.json":
            with contextlib.suppress(_TornError):
                _write_facts(path, b"".join(_bytes(self.place, part) for part in parts))
                pulled[name] = parts
        elif _written(self.place, parts, path):
            pulled[name] = parts

    def _remember(self, pulled: dict[str, Parts]) -> None:
        """Write down what has been pulled, and that a mirror is gone, for the next start of the workbench."""
        self._pulled = pulled
        sign = (*self._sign, SILENT_S) if self._silent_s >= SILENT_S else ("", 0, 0.0)
        if (pulled, sign) != self._remembered:
            files = {name: [[part.digest, part.size] for part in parts] for name, parts in pulled.items()}
            write_json(self.path / STATE, {"files": files, "sign": sign})
            self._remembered = (pulled, sign)


def _in_order(files: Mapping[str, Parts], *, first: bool) -> Iterator[str]:
    """The files to pull. Events go before the run.json whose epoch they belong to; at first, the run shall be seen."""
    small = [name for name in files if name in ("run.yaml", "predictions.json")]
    adapter = [name for name in files if name.startswith("adapter/") and total(files[name]) <= MOST_FILE_BYTES]
    facts = [name for name in ("run.json",) if total(files.get(name, ())) in range(1, MOST_FACTS_BYTES)]
    log = [LOG] if LOG in files else []
    yield from [*facts, *small, *log, *adapter] if first else [*log, *small, *adapter, *facts]


def _written(place: Place, parts: Parts, path: Path) -> bool:
    """Write a file of its parts; whether all of them were there.

    Raises:
        RunError: The place cannot be reached.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(_TornError), replacing(path) as temporary:
        with temporary.open("wb") as file:
            for part in parts:
                file.write(_bytes(place, part))
        return True
    return False


def _appended(place: Place, path: Path, before: Parts, parts: Parts) -> Parts:
    """Append to a log what it lacks, at most `MOST_LOG_BYTES`; returns the parts that it has then.

    What is in the file stays there, since pages read it meanwhile, unless the run went back to its checkpoint.

    Raises:
        RunError: The place cannot be reached.
    """
    if not path.exists() or path.stat().st_size != total(before):
        path.write_bytes(b"")
        before = ()
    same = sum(1 for _ in _alike(before, parts))
    fresh: list[bytes] = []
    kept, have = total(parts[:same]), same
    with contextlib.suppress(_TornError):
        for part in parts[same:]:
            if sum(map(len, fresh)) >= MOST_LOG_BYTES or kept > MOST_FILE_BYTES:
                break
            fresh.append(_bytes(place, part))
            have += 1
    if have == same < len(parts):
        return before
    with path.open("r+b") as file:
        file.seek(kept)
        tail, data = file.read(), b"".join(fresh)
        if not data.startswith(tail):
            file.truncate(kept)
            tail = b""
        file.seek(kept + len(tail))
        file.write(data[len(tail) :])
    return parts[:have]


def _alike(before: Parts, parts: Parts) -> Iterator[Part]:
    for one, other in zip(before, parts, strict=False):
        if one != other:
            return
        yield one


class _TornError(Exception):
    """A part is not there, or not whole."""


def _bytes(place: Place, part: Part) -> bytes:
    data = part.read(place)
    if data is None:
        raise _TornError
    return data


def _write_facts(path: Path, data: bytes, owner: str = "") -> None:
    """Write a run.json of elsewhere; whoever it names as the owner is nobody here. A damaged one is seen as that."""
    try:
        facts = RunFacts.from_json(parse_json(data))
    except (ValueError, RecursionError):
        with replacing(path) as temporary:
            temporary.write_bytes(data)
    else:
        write_json(path, replace(facts, owner=owner).to_json())


def _state(path: Path) -> tuple[dict[str, Parts], tuple[str, int], float]:
    """What had been pulled, and how long the mirror had been silent, when the workbench was closed."""
    try:
        plain: Any = parse_json((path / STATE).read_bytes())
        files = {name: tuple(Part(digest, size) for digest, size in parts) for name, parts in plain["files"].items()}
        writer, beat, silent_s = plain["sign"]
        return files, (str(writer), int(beat)), float(silent_s)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}, ("", 0), 0.0
