"""From what a user names, a file or a hub dataset, to tables: one per split that is there."""

import functools
import importlib
from pathlib import Path

from engine.core.errors import DataError
from engine.data.readers.arrow_files import read_parquet
from engine.data.readers.delimited import read_delimited
from engine.data.readers.encodings import encoding_of
from engine.data.readers.json_files import read_json
from engine.data.readers.pictures import is_pictures, read_pictures
from engine.data.settings import DataSettings
from engine.data.table import Table

HUB = "hub:"
JSON, DELIMITED, PARQUET = (".json", ".jsonl", ".ndjson"), (".csv", ".tsv", ".tab"), (".parquet", ".pq")
SUFFIXES = (*JSON, *DELIMITED, *PARQUET)

Stamp = tuple[int, int]
"""Size and time of a file: another stamp is another file."""


def is_source(name: str) -> bool:
    """Whether a dataset's name means a file, a folder of pictures or the hub, rather than a dataset folder."""
    path = Path(name).expanduser()
    return name.startswith(HUB) or path.is_file() or is_pictures(path) or _like_a_file(path)


def _like_a_file(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.is_dir()


def read_tables(name: str, settings: DataSettings) -> dict[str, Table]:
    """The splits that are there: "train", and those that the settings or the hub name.

    Raises:
        DataError: One of them cannot be read.
    """
    if name.startswith(HUB):
        tables = _read_hub(name, settings.row_limit, settings.streaming)
    elif is_pictures(Path(name).expanduser()):
        tables = read_pictures(Path(name).expanduser(), settings, read_file)
    else:
        tables = {"train": read_file(Path(name).expanduser(), settings)}
    tables = dict(tables)
    for split, other in (("validation", settings.validation), ("test", settings.test)):
        if other.strip():
            tables[split] = _other(name, other.strip(), settings)
    return tables


def _other(name: str, other: str, settings: DataSettings) -> Table:
    """Another split: a file, or of a hub dataset the name of a split."""
    if is_source(other) or not name.startswith(HUB):
        return read_tables(other, DataSettings.from_dict({**settings.to_dict(), "validation": "", "test": ""}))["train"]
    path, config, *_ = [*name.removeprefix(HUB).split(":"), ""]
    return _read_hub(f"{HUB}{path}:{config}:{other}", settings.row_limit, settings.streaming)["train"]


def read_file(path: Path, settings: DataSettings) -> Table:
    """One file; read again only after it has changed.

    Raises:
        DataError: It is missing, empty, damaged, or of a kind that is not known.
    """
    try:
        facts = path.stat()
        if path.is_dir():
            raise IsADirectoryError("it is a folder")
        stamp = (facts.st_size, facts.st_mtime_ns)
        return _read_file(path, stamp, settings.row_limit, settings.encoding.strip())
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            "no_data_file",
            f"The file {str(path)!r} cannot be read ({reason}): check the path.",
            file=str(path),
            reason=reason,
        ) from error


@functools.lru_cache(maxsize=4)
def _read_file(path: Path, stamp: Stamp, limit: int, encoding: str) -> Table:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(
            "unknown_suffix",
            f"The file {path.name} is of no kind that can be read: give one that ends in {' '.join(SUFFIXES)}.",
            file=path.name,
            known=" ".join(SUFFIXES),
        )
    if stamp[0] == 0:
        raise DataError(
            "empty_file", f"The file {path.name} has no rows: add some, or choose another file.", file=path.name
        )
    if suffix in PARQUET:
        return read_parquet(path, limit)
    found = encoding_of(path, encoding)
    return (read_json if suffix in JSON else read_delimited)(path, found, limit)


@functools.lru_cache(maxsize=2)
def _read_hub(name: str, limit: int, streaming: bool) -> dict[str, Table]:
    hub = importlib.import_module("engine.data.readers.hub")  # takes seconds, and most people never ask for it
    return hub.read_hub(name, limit, streaming=streaming)
