"""What a mirrored run consists of, as its mirror writes it last and a reader believes it.

At the place of a run lie `parts/DIGEST`, pieces of files by the SHA-256 of their bytes, and two manifests that are
written in turn: a kill leaves at least one of them whole, and whatever it names was there before it. No clock and no
lock says whether the mirror lives: `beat` grows as long as it does.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from engine.core.errors import RunError
from engine.runs.elsewhere.place import Place
from engine.runs.files import MOST_BYTES, parse_json

PART_BYTES = 8 * 2**20
LOG_PART_BYTES = 256 * 1024
"""Bytes of a part of a file, and of the event log, whose last part is written anew until it is full."""
LOG = "events.jsonl"
SLOTS = ("mirror-0.json", "mirror-1.json")
MOST_FILES = 10_000
MOST_RUN_BYTES = 2**40
BEAT_S = 5.0
"""Seconds between two manifests of a mirror that lives, at most."""
FILES = re.compile(
    r"(run\.json|run\.yaml|events\.jsonl|predictions\.json|snapshots/step-\d{1,12}\.safetensors"
    r"|(adapter|checkpoint|best/step-\d{1,12})/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99})"
)
"""The files of a run folder that are mirrored; a reader takes no other names."""
DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a file.

    Attributes:
        digest: SHA-256 of its bytes.
        size: Its bytes.
    """

    digest: str
    size: int

    @property
    def name(self) -> str:
        """Where it lies at the run's place."""
        return f"parts/{self.digest}"

    @classmethod
    def of(cls, data: bytes) -> Self:
        """The part that some bytes are."""
        return cls(hashlib.sha256(data).hexdigest(), len(data))

    def read(self, place: Place) -> bytes | None:
        """Its bytes; None where they are not there, or not whole.

        Raises:
            RunError: The place cannot be reached.
        """
        data = place.read(self.name, self.size + 1)
        return data if data is not None and Part.of(data) == self else None


Parts = tuple[Part, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """The state of a mirrored run.

    Attributes:
        beat: Number of this manifest; each is one more than the last.
        writer: Name that a mirroring process has given itself.
        ended: Whether that has ended well, so that nothing more will come.
        files: The parts of each file, by its path in the run folder.
    """

    beat: int
    writer: str
    ended: bool
    files: Mapping[str, Parts]

    @property
    def digests(self) -> set[str]:
        """Of all parts."""
        return {part.digest for parts in self.files.values() for part in parts}

    def to_bytes(self) -> bytes:
        """The contents of its file."""
        files = {name: [[part.digest, part.size] for part in parts] for name, parts in self.files.items()}
        plain = {"format": 1, "beat": self.beat, "writer": self.writer, "ended": self.ended, "files": files}
        return json.dumps(plain).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of `to_bytes`. Anybody may have written it.

        Raises:
            ValueError: It is no manifest, or names what no run has.
        """
        plain = parse_json(data)
        if not isinstance(plain, dict) or plain.get("format") != 1 or not isinstance(plain.get("files"), dict):
            raise ValueError("it is no manifest of a run")
        beat, writer = plain.get("beat"), plain.get("writer")
        if not isinstance(beat, int) or not 0 <= beat < 2**53 or not isinstance(writer, str):
            raise ValueError("it does not say who has written it")
        files = {name: tuple(_parts(name, parts)) for name, parts in plain["files"].items()}
        sizes = sum(part.size for parts in files.values() for part in parts)
        if len(files) > MOST_FILES or sizes > MOST_RUN_BYTES:
            raise ValueError("it names more than a run has")
        return cls(beat=beat, writer=writer, ended=plain.get("ended") is True, files=files)


def _parts(name: str, parts: object) -> Iterator[Part]:
    if FILES.fullmatch(name) is None or not isinstance(parts, list):
        raise ValueError("it names a file that no run has")
    for part in parts:
        match part:
            case [str(digest), int(size)] if DIGEST.fullmatch(digest) and size is not True and 0 < size <= PART_BYTES:
                yield Part(digest, size)
            case _:
                raise ValueError("it names a part that is none")


def newest(place: Place) -> Manifest | None:
    """The newest whole manifest of a run; None where there is none.

    Raises:
        RunError: The place cannot be reached.
    """
    found = [manifest for slot in SLOTS if (manifest := _read(place, slot)) is not None]
    return max(found, key=lambda manifest: manifest.beat, default=None)


def _read(place: Place, slot: str) -> Manifest | None:
    data = place.read(slot, MOST_BYTES + 1)
    try:
        return Manifest.from_bytes(data) if data is not None and len(data) <= MOST_BYTES else None
    except (ValueError, RecursionError):  # half-written, or somebody else's
        return None


def pieces(path: Path, size: int) -> Iterator[bytes]:
    """The bytes of a file in pieces of a size; of one that grows, as far as it goes."""
    with path.open("rb") as file:
        while data := file.read(size):
            yield data


def total(parts: Iterable[Part]) -> int:
    """The bytes of some parts together."""
    return sum(part.size for part in parts)


def is_unreachable(error: RunError) -> bool:
    """Whether an error says no more than that a place cannot be reached now."""
    return error.key == "place_unreachable"
