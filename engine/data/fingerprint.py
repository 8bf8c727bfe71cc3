"""Fingerprints of a dataset's rows, by which a run notices that its data have changed."""

import contextlib
import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from engine.core.errors import DataError
from engine.data.dataset import Dataset
from engine.data.row import Row

SPLITS = ("train", "validation", "test")
BY_BYTES = "bytes:"
"""Begin of a fingerprint of rows with pictures; in those of older versions, without it, the pictures' sizes stand."""
REMEMBERED = 1_000_000
"""Pictures that are hashed once, as long as their files do not change."""


def fingerprints(dataset: Dataset, splits: Iterable[str] = SPLITS) -> dict[str, str]:
    """A digest of the rows of each split that can be read: their texts, and what their pictures hold."""
    digests = {}
    for split in splits:
        with contextlib.suppress(DataError):
            digests[split] = _digest(dataset.rows(split), _content, BY_BYTES)
    return digests


def changed_splits(known: Mapping[str, str], dataset: Dataset, splits: Iterable[str] = SPLITS) -> list[str]:
    """The splits whose rows are not the ones that are known; runs of older versions know none, or less of pictures."""
    return [split for split in splits if split in known and not _is_known(known[split], dataset, split)]


def _is_known(known: str, dataset: Dataset, split: str) -> bool:
    try:
        rows = dataset.rows(split)
        by_bytes = known.startswith(BY_BYTES)
        return known == (_digest(rows, _content, BY_BYTES) if by_bytes else _digest(rows, _size, ""))
    except DataError:
        return False


def _digest(rows: Iterable[Row], facts: Callable[[Path], int | str], begin: str) -> str:
    """The digest; that of rows without pictures is the same in every version.

    Args:
        rows: The rows.
        facts: What of a picture counts.
        begin: Stands before the digest of rows with pictures.
    """
    digest, seen = hashlib.sha256(), False
    for row in rows:
        picture = facts(row.picture) if row.picture is not None and row.picture.exists() else None
        seen = seen or picture is not None
        digest.update(json.dumps([row.prompt, row.response, row.template, picture]).encode())
    return (begin if seen else "") + digest.hexdigest()[:32]


def _size(picture: Path) -> int:
    return picture.stat().st_size


def _content(picture: Path) -> str:
    facts = picture.stat()
    return _hash(picture, facts.st_size, facts.st_mtime_ns)


@functools.lru_cache(maxsize=REMEMBERED)
def _hash(picture: Path, _size: int, _time: int) -> str:
    """The hash of a file, which has this size and time."""
    with picture.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
