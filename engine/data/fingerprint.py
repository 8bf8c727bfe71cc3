"""Fingerprints of a dataset's rows, by which a run notices that its data have changed."""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping

from engine.core.errors import DataError
from engine.data.dataset import Dataset
from engine.data.row import Row

SPLITS = ("train", "validation", "test")


def fingerprints(dataset: Dataset, splits: Iterable[str] = SPLITS) -> dict[str, str]:
    """A digest of the rows of each split that can be read: their texts, and of pictures the names and sizes."""
    digests = {}
    for split in splits:
        with contextlib.suppress(DataError):
            digests[split] = _digest(dataset.rows(split))
    return digests


def changed_splits(known: Mapping[str, str], dataset: Dataset, splits: Iterable[str] = SPLITS) -> list[str]:
    """The splits whose rows are not the ones that are known; runs of older versions know none."""
    looked = [split for split in splits if split in known]
    present = fingerprints(dataset, looked)
    return [split for split in looked if present.get(split) != known[split]]


def _digest(rows: Iterable[Row]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        picture = row.picture.stat().st_size if row.picture is not None and row.picture.exists() else None
        digest.update(json.dumps([row.prompt, row.response, row.template, picture]).encode())
    return digest.hexdigest()[:32]
