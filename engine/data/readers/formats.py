"""The file formats: one table of names, suffixes and readers, from which everything that names a format follows."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import DataError
from engine.data.readers.delimited import read_delimited
from engine.data.readers.json_files import read_json
from engine.data.readers.parquet_files import read_parquet, stored_bytes
from engine.data.row_limit import RowLimit
from engine.data.settings import DataSettings
from engine.data.table import Table


class Format(NamedTuple):
    """A file format.

    Attributes:
        name: What people call it.
        suffixes: What its files end in, in small letters.
        read: Reads a sample of a file's rows; the arguments are its path, the limit of rows, and the encoding that the
            user named, or an empty text.
        stored: Gives the cells of a column with these numbers as they are stored, where it holds bytes; None where it
            holds texts, and for formats that hold nothing else.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[Path, RowLimit, str], Table]
    stored: Callable[[Path, str, NDArray[np.int64]], Iterator[Any] | None] = lambda *_: None


FORMATS = [
    Format("JSON", (".json",), read_json),
    Format("JSONL", (".jsonl", ".ndjson"), read_json),
    Format("CSV", (".csv",), read_delimited),
    Format("TSV", (".tsv", ".tab"), read_delimited),
    Format("Parquet", (".parquet", ".pq"), read_parquet, stored_bytes),
]


def stored_cells(path: Path, column: str, rows: NDArray[np.int64]) -> Iterator[Any] | None:
    """The cells of some rows in a column that holds bytes; None for a column of texts."""
    found = next((each for each in FORMATS if path.suffix.lower() in each.suffixes), None)
    return None if found is None else found.stored(path, column, rows)


Stamp = tuple[int, int]
"""Size and time of a file: another stamp is another file."""


def suffixes() -> tuple[str, ...]:
    """What files of all formats end in."""
    return tuple(suffix for each in FORMATS for suffix in each.suffixes)


def has_suffix(path: Path) -> bool:
    """Whether a path, of whatever is or is not there, ends as files of a format do."""
    return path.suffix.lower() in suffixes()


def stamp_of(path: Path) -> Stamp:
    """The stamp of a file.

    Raises:
        OSError: It is not there.
    """
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns


def read_file(path: Path, settings: DataSettings) -> Table:
    """One file; read again only after it has changed.

    Raises:
        DataError: It is missing, empty, damaged, or of a format that is not known.
    """
    try:
        stamp = stamp_of(path)
        if path.is_dir():
            raise IsADirectoryError("it is a folder")
        if not path.is_file():
            raise OSError("it is no plain file")
        return _read(path, stamp, settings.limit, settings.encoding.strip())
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            "no_data_file",
            f"The file {str(path.absolute())!r} cannot be read ({reason}): check the path.",
            file=str(path.absolute()),
            reason=reason,
        ) from error


@functools.lru_cache(maxsize=4)
def _read(path: Path, stamp: Stamp, limit: RowLimit, encoding: str) -> Table:
    file_format = next((each for each in FORMATS if path.suffix.lower() in each.suffixes), None)
    if file_format is None:
        known = " ".join(suffixes())
        raise DataError(
            "unknown_suffix",
            f"The file {path.name} is of no kind that can be read: give one that ends in {known}.",
            file=path.name,
            known=known,
        )
    if stamp[0] == 0:
        raise DataError(
            "empty_file", f"The file {path.name} has no rows: add some, or choose another file.", file=path.name
        )
    return file_format.read(path, limit, encoding)
