"""CSV and TSV: which character separates, whether quotes mean anything, and every ragged line by its number.

TSV files of the field (GLUE's) hold bare quotes, those that spreadsheets write hold quoted cells: the beginning of the
file is read both ways, and the way in which the rows fit the header better is taken.
"""

import csv
import io
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from engine.core.errors import DataError
from engine.data.readers.encodings import encoding_of
from engine.data.row_limit import RowLimit
from engine.data.table import Table, TableMaker

SEPARATORS = (",", "\t", ";", "|")
SEPARATOR = re.compile(r"\ufeff?\"?sep=([^\"\r\n])\"?\r?\n?$", re.IGNORECASE)
"""A first line with which a file tells Excel what separates its cells."""

SAMPLE = 1 << 18


def read_delimited(path: Path, limit: RowLimit, encoding: str = "") -> Table:
    """Read a sample of the rows of a file whose first line names the columns.

    Args:
        path: The file.
        limit: Most rows to read.
        encoding: Of the file; empty finds out.

    Raises:
        DataError: It is empty, a line does not fit the header, or a quote is never closed.
    """
    encoding = encoding_of(path, encoding)
    # FOOTGUN: the module's own limit of 131,072 characters is one for the whole process; ours is checked per cell.
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with path.open(encoding=encoding, newline="") as file:
        said = SEPARATOR.match(file.readline())
        start = file.tell() if said else 0
        file.seek(start)
        sample = file.read(SAMPLE)
        separator = said[1] if said else _separator(sample, path)
        dialect = _dialect(sample, separator)
        file.seek(start)
        lines = csv.reader(file, **dialect)
        maker = TableMaker(path.name, limit)
        _fill(maker, lines, path.name, 2 if said else 1)
    return maker.table(encoding=encoding)


def _fill(maker: TableMaker, lines: Any, file: str, top: int) -> None:  # noqa: ANN401 - the csv module hides its reader's type
    header: list[str] = []
    for first, cells in _numbered(lines, file, top):
        if not cells or (len(cells) == 1 and len(header) > 1 and not cells[0].strip()):
            continue
        if not header:
            header = _header(cells)
            continue
        if len(cells) != len(header):
            raise DataError(
                "ragged_line",
                f"Line {first} of {file} has {len(cells)} cells, but the header names {len(header)} columns: quote "
                "cells that hold the separator, or correct the line.",
                file=file,
                line=first,
                count=len(cells),
                wanted=len(header),
            )
        if maker.wants():
            maker.add(dict(zip(header, cells, strict=True)), partial(int, first))


def _numbered(lines: Any, file: str, top: int) -> Iterator[tuple[int, list[str]]]:  # noqa: ANN401 - as above
    """Every row with the line in which it begins."""
    last = top - 1
    try:
        for cells in lines:
            yield last + 1, cells
            last = lines.line_num + top - 1
    except csv.Error as error:
        raise DataError(
            "bad_quotes",
            f"The row that begins in line {last + 1} of {file} has a quote that is not closed or not doubled "
            f"({error}): correct it.",
            file=file,
            line=last + 1,
            reason=str(error),
        ) from error


def _header(cells: list[str]) -> list[str]:
    """Names of the columns: those without one are numbered, those with another's name get their number behind it."""
    names: list[str] = []
    known: set[str] = set()
    for number, cell in enumerate(cells, 1):
        name = cell.strip() or f"column {number}"
        names.append(f"{name} ({number})" if name in known else name)
        known.add(names[-1])
    return names


def _separator(sample: str, path: Path) -> str:
    first = next((line for line in sample.splitlines() if line.strip()), "")
    usual = "\t" if path.suffix.lower() in (".tsv", ".tab") else ","
    if usual in first:
        return usual
    best = max(SEPARATORS, key=first.count)
    return best if best in first else usual


def _dialect(sample: str, separator: str) -> dict[str, Any]:
    """How to read the file. Where commas separate, quotes have their meaning; elsewhere the better fit decides."""
    quoted = {"delimiter": separator, "strict": True}
    bare = {"delimiter": separator, "quoting": csv.QUOTE_NONE}
    if separator == "," or '"' not in sample:
        return quoted
    return quoted if _misfits(sample, quoted) <= _misfits(sample, bare) else bare


def _misfits(sample: str, dialect: dict[str, Any]) -> int:
    """How many lines of the sample lie in rows that do not fit the header; the last row may be cut off."""
    whole = sample if len(sample) < SAMPLE else sample[: sample.rfind("\n") + 1]
    lines, wrong, width, last = csv.reader(io.StringIO(whole, newline=""), **dialect), 0, 0, 0
    try:
        for cells in lines:
            width = width or len(cells)
            if cells and len(cells) != width:
                wrong += lines.line_num - last
            last = lines.line_num
    except csv.Error:
        wrong += max(1, whole.count("\n") - last) if len(sample) < SAMPLE else 1
    return wrong
