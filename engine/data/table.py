"""A file's rows as columns of text in Arrow memory: a million rows cost their bytes, not a million Python objects.

Every cell is text. A number, or true and false, is what JSON would write; a list or an object is its JSON, and its
column is remembered as nested. So a column whose types are mixed is no problem to anyone behind this file.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.core.errors import DataError
from engine.core.plain_json import loads
from engine.data.picture_table import Gallery
from engine.data.row_limit import RowLimit
from engine.data.row_sample import RowSample

MAX_CELL = 1_000_000
"""Characters: no model reads more, and a tokenizer would be busy with it for minutes."""

CHUNK = 8192


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Columns of text.

    Attributes:
        name: What the user calls it, for sentences.
        data: The columns; a cell may be null.
        nested: Columns in which lists or objects stand, as JSON.
        several: Columns with several labels in some rows, written one behind the other.
        label_names: Names of label ids, by column, where the file itself knows them.
        encoding: What a text file is encoded in; empty for others.
        cut: Whether there were more rows than the limit, and these are a sample of them.
        numbers: Numbers of the sample's rows in the file; None where all rows were read.
        gallery: Where its pictures lie; None for text.
        beside: The picture of each row, as columns "path" and "digest", both empty where it has none, and "several",
            whether its file holds more than that one; None where no column holds pictures.
        written: Prompts that a template has made of the rows; None without.
        learned: Answers that a chat template has made of the rows; None without.
        asides: Places in these that are read only, begin and end in turn; None without.
    """

    name: str
    data: pa.Table
    nested: frozenset[str] = frozenset()
    several: frozenset[str] = frozenset()
    label_names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    encoding: str = ""
    cut: bool = False
    numbers: NDArray[np.int64] | None = None
    gallery: Gallery | None = None
    beside: pa.Table | None = None
    written: pa.Array | None = None
    learned: pa.Array | None = None
    asides: pa.Array | None = None

    def __len__(self) -> int:
        out: int = self.data.num_rows
        return out

    def number(self, row: int) -> int:
        """The number of a row in the file, from 1 on."""
        return 1 + (row if self.numbers is None else int(self.numbers[row]))

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in the file's order."""
        return list(self.data.column_names)

    def text(self, row: int, column: str) -> str:
        """One cell; empty where there is nothing."""
        cell = self.data.column(column)[row].as_py()
        return "" if cell is None else cell

    def value(self, row: int, column: str) -> Any:  # noqa: ANN401 - any JSON value
        """One cell of a nested column as JSON means it; other cells as text."""
        text = self.text(row, column)
        if column not in self.nested:
            return text
        try:
            return loads(text)
        except ValueError:  # a plain text among the objects
            return text

    def values(self, column: str) -> list[str]:
        """The different texts of a column; not sorted, nothing and space alone left out."""
        cells = self.data.column(column).unique().to_pylist()
        return list(dict.fromkeys(text.strip() for text in cells if text and text.strip()))

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> Self:
        """Some of the rows, in the order given."""
        places = pa.array(rows, pa.int64())
        written = None if self.written is None else self.written.take(places)
        learned = None if self.learned is None else self.learned.take(places)
        asides = None if self.asides is None else self.asides.take(places)
        beside = None if self.beside is None else self.beside.take(places)
        numbers = None if self.numbers is None else self.numbers[np.asarray(rows, np.int64)]
        return replace(
            self,
            data=self.data.take(places),
            numbers=numbers,
            written=written,
            learned=learned,
            asides=asides,
            beside=beside,
        )

    def flattened(self, column: str) -> Self:
        """The same rows with the lists of plain values in a column as texts; as it is where it holds others."""
        cells = [None if text is None else _listed(text) for text in self.data.column(column).to_pylist()]
        if any(cell is not None and not all(isinstance(v, str | int | float) for v in cell) for cell in cells):
            return self
        texts = [None if cell is None else ", ".join(filter(None, map(plain_text, cell))) for cell in cells]
        place = self.columns.index(column)
        several = self.several | {column} if any(cell is not None and len(cell) > 1 for cell in cells) else self.several
        data = self.data.set_column(place, column, strings(texts))
        return replace(self, data=data, nested=self.nested - {column}, several=several)

    def without(self, column: str) -> Self:
        """The same rows without one of the columns, if it is there."""
        kept = [name for name in self.columns if name != column]
        return replace(self, data=self.data.select(kept), nested=self.nested & set(kept))


class TableMaker:
    """Collects a sample of rows and packs them every few thousand."""

    def __init__(self, name: str, limit: RowLimit) -> None:
        self.name = name
        self._sample = RowSample(limit)
        self._waiting: dict[str, list[str | None]] = {}
        self._height = 0
        self._packed: list[pa.Table] = []
        self._nested: set[str] = set()

    @property
    def cut(self) -> bool:
        """Whether more rows came than the limit."""
        return self._sample.cut

    def wants(self) -> bool:
        """Whether the next row may become one of the table's: a reader asks for each, and adds it or passes it over."""
        return self._sample.wants()

    def add(self, values: Mapping[str, Any], line: Callable[[], int]) -> None:
        """Add a row that is wanted.

        Args:
            values: Cells by column; columns may come and go from row to row.
            line: Tells the row's line in the file, for sentences.

        Raises:
            DataError: A cell is far too long.
        """
        for column, value in values.items():
            text = self._text(column, value)
            if text is not None and len(text) > MAX_CELL:
                raise huge_cell(self.name, line(), column, len(text))
            cells = self._waiting.get(column)
            if cells is None:
                cells = self._waiting[column] = [None] * self._height
            cells.append(text)
        self._height += 1
        for cells in self._waiting.values():
            if len(cells) < self._height:
                cells.append(None)
        if self._height == CHUNK or self._sample.crowded:
            self._pack()
        if self._sample.crowded:
            self._packed = [self._kept()]

    def _text(self, column: str, value: Any) -> str | None:  # noqa: ANN401 - whatever stands in the file
        if isinstance(value, str) or value is None:
            return value
        if isinstance(value, list | dict):
            self._nested.add(column)
        return plain_text(value)

    def _pack(self) -> None:
        if self._height:
            self._packed.append(pa.table({name: strings(cells) for name, cells in self._waiting.items()}))
            self._waiting, self._height = {}, 0

    def _kept(self) -> pa.Table:
        data = pa.concat_tables(self._packed, promote_options="default") if self._packed else pa.table({})
        return data.take(pa.array(self._sample.kept())) if data.num_rows else data

    def table(self, **facts: Any) -> Table:  # noqa: ANN401 - passed on to Table
        """All rows.

        Raises:
            DataError: There are none.
        """
        self._pack()
        data = self._kept()
        return Table(
            name=self.name,
            data=filled(data, self.name),
            nested=frozenset(self._nested),
            cut=self.cut,
            numbers=self._sample.rows if self.cut else None,
            **facts,
        )


def huge_cell(file: str, line: int, column: str, size: int) -> DataError:
    """The error of a cell that no model could read."""
    return DataError(
        "huge_cell",
        f"Line {line} of {file} has {size:,} characters in the column {column!r}, and a million is the limit: look "
        "for a quote that is not closed, or split the text.",
        file=file,
        line=line,
        column=column,
        size=f"{size:,}",
    )


def filled(data: pa.Table, name: str) -> pa.Table:
    """The same table.

    Raises:
        DataError: It has no rows or no columns.
    """
    if not data.num_rows or not data.num_columns:
        raise DataError("empty_file", f"The file {name} has no rows: add some, or choose another file.", file=name)
    return data


def _listed(text: str) -> list[Any]:
    try:
        value = loads(text)
    except ValueError:
        return [text]
    return value if isinstance(value, list) else [value]


def plain_text(value: Any) -> str | None:  # noqa: ANN401 - any value of a cell
    """A cell as text: numbers and truth as JSON writes them, lists and objects as JSON, bytes as nothing."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes) or value != value:  # NaN is how tables say that nothing is there
        return None
    if isinstance(value, list | dict | bool):
        return json.dumps(value, ensure_ascii=False, default=_in_json)
    return str(value)


def _in_json(value: Any) -> str | None:  # noqa: ANN401 - whatever JSON does not know
    """Bytes, such as a picture's, are no text wherever they stand."""
    return None if isinstance(value, bytes) else str(value)


def strings(cells: Sequence[str | None]) -> pa.Array:
    """Texts in Arrow memory; half a character, which JSON allows, becomes the sign for what cannot be read."""
    try:
        return pa.array(cells, pa.large_string())
    except UnicodeEncodeError:  # half of a character, as in "\ud83d", which JSON allows and no text can hold
        return pa.array([None if text is None else _without_surrogates(text) for text in cells], pa.large_string())


def _without_surrogates(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
