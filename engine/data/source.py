"""A file or a hub dataset as splits of rows: columns chosen, labels found, cut, and written row by row on demand."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import override

from engine.core.errors import DataError
from engine.data.columns import Columns, columns_for
from engine.data.conversations import question_and_answer, text_of, turns_of
from engine.data.labels import kind_of, names_of
from engine.data.readers.dispatch import read_tables
from engine.data.readers.pictures import is_pictures, stamp_of
from engine.data.row import Row
from engine.data.settings import DataSettings
from engine.data.splits import Indices, by_column, cut_off, groups
from engine.data.table import Table
from engine.data.templates import TextTemplate, chat, template_for

SPLITS = ("train", "validation", "test")
PICTURES = Columns(kind="labels", prompt=("picture",), response="label")


@dataclass(frozen=True, kw_only=True)
class Source:
    """Everything that a file's rows are made of.

    Attributes:
        tables: The columns, by split; unusable rows are gone.
        columns: What each column is for.
        template: How a row is written.
        settings: What the user said.
        labels: Name of every label by what stands in the file; empty unless responses are labels.
        numbers: Whether responses are numbers.
        dropped: Rows that nothing can be made of, by split.
        repeated: Rows in no split, since they ask what is kept for validation or scoring and are not needed there.
    """

    tables: dict[str, Table]
    columns: Columns
    template: TextTemplate
    settings: DataSettings
    labels: dict[str, str] = field(default_factory=dict)
    numbers: bool = False
    dropped: dict[str, int] = field(default_factory=dict)
    repeated: int = 0

    @property
    def pictures(self) -> bool:
        """Whether rows ask about pictures."""
        return self.tables["train"].gallery is not None

    def rows(self, split: str) -> Sequence[Row] | None:
        """The rows of a split, written when they are asked for; None where there is no such split."""
        return SourceRows(self, self.tables[split]) if split in self.tables else None

    def in_chat_template(self, tokenizer: Any) -> "Source":  # noqa: ANN401 - this file must not load transformers
        """The same rows in the tokenizer's chat template, where that is asked for or suits a conversation.

        Raises:
            DataError: It is asked for, and the tokenizer has none that can be used.
        """
        suits = (
            self.settings.template == "suited"
            and self.columns.kind == "messages"
            and getattr(tokenizer, "chat_template", None)
        )
        return replace(self, template=chat(tokenizer)) if self.settings.template == "chat" or suits else self

    def row(self, table: Table, number: int) -> Row:
        """One row of a table."""
        if self.columns.kind == "messages":
            found = self._turns(table, number)
            return Row(*found) if found else Row("", "")
        response = text_of(table.value(number, self.columns.response))
        if self.labels or self.numbers:
            response = self.labels.get(response.strip(), response.strip())
        if table.gallery is not None:
            name = table.text(number, "picture")
            return Row(name, response, picture=table.gallery.root / name)
        if self.template.render is not None:
            cells = {name: table.value(number, name) for name in table.columns}
            return Row(self.template.render({"prompt": self._asked(table, number), **cells}), response)
        around = text_of(table.value(number, self.columns.input)) if self.columns.input else ""
        asked = self._asked(table, number)
        if not around.strip():
            return Row(asked, response)
        return Row(asked + self.template.input_mark + around, response, self.template.with_input)

    def _asked(self, table: Table, number: int) -> str:
        texts = {name: text_of(table.value(number, name)) for name in self.columns.prompt}
        if len(texts) < 2:
            return "".join(texts.values())
        return "\n".join(f"{name}: {text}" for name, text in texts.items())

    def _turns(self, table: Table, number: int) -> tuple[str, str] | None:
        turns = turns_of(table.value(number, self.columns.messages))
        template, whole = self.template, self.settings.turns == "whole"
        return question_and_answer(turns, whole=whole, before_answer=template.before_answer, again=template.again)


class SourceRows(Sequence[Row]):
    """Rows that are written when they are asked for."""

    def __init__(self, source: Source, table: Table) -> None:
        self._source, self._table = source, table

    @override
    def __len__(self) -> int:
        return len(self._table)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    @override
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self._source.row(self._table, at) for at in range(*index.indices(len(self)))]
        return self._source.row(self._table, range(len(self))[index])

    @override
    def __iter__(self) -> Iterator[Row]:
        return (self._source.row(self._table, at) for at in range(len(self)))


def open_source(name: str, settings: DataSettings) -> Source:
    """Read a file or a hub dataset; what was read lately and has not changed is not read again.

    Raises:
        DataError: It cannot be read, or no rows can be made of it.
    """
    return _open(name, settings, tuple(_stamp(path) for path in (name, settings.validation, settings.test)))


def _stamp(name: str) -> tuple[int, int] | None:
    """Size and time of a file, or what stands for a folder's; None for others, whose error comes from reading them."""
    path = Path(name).expanduser()
    try:
        if name.strip() and is_pictures(path):
            return (0, stamp_of(path))
        facts = path.stat()
    except OSError:
        return None
    return (facts.st_size, facts.st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _open(name: str, settings: DataSettings, stamps: tuple[tuple[int, int] | None, ...]) -> Source:
    tables = read_tables(name, settings)
    pictures = tables["train"].gallery is not None
    columns = PICTURES if pictures else columns_for(tables["train"], settings)
    for table in tables.values():
        _same_columns(table, columns)
    kind, labels = (_kind_of_pictures if pictures else kind_of)(list(tables.values()), columns, settings)
    if kind == "free" and columns.kind == "labels":
        columns = replace(columns, kind="pair")
    source = Source(
        tables=tables,
        columns=columns,
        template=template_for(DataSettings() if pictures else settings, columns),
        settings=settings,
        labels=names_of(labels, tables["train"], columns, settings) if kind == "labels" else {},
        numbers=kind == "numbers",
    )
    return _cut(source)


def _kind_of_pictures(tables: list[Table], columns: Columns, settings: DataSettings) -> tuple[str, list[str]]:
    """Labels, or the numbers of a metadata file: pictures have no free text to write.

    Raises:
        DataError: There is one label only.
    """
    first = tables[0]
    if len({text for table in tables for text in table.values(columns.response)}) < 2:
        raise DataError(
            "one_picture_label",
            f"The pictures of {first.name} all have one label, so there is nothing to choose: add pictures of another.",
            file=first.name,
        )
    described = first.gallery is not None and first.gallery.described
    if settings.responses == "numbers" or (settings.responses == "guess" and described):
        kind, labels = kind_of(tables, columns, settings)
        if kind != "free":
            return kind, labels
    return kind_of(tables, columns, replace(settings, responses="labels"))


def _same_columns(table: Table, columns: Columns) -> None:
    for column in (*columns.prompt, columns.input, columns.response, columns.messages):
        if column and column not in table.columns:
            known = ", ".join(table.columns)
            raise DataError(
                "no_column",
                f"{table.name} has no column {column!r}: choose one of {known}.",
                file=table.name,
                column=column,
                known=known,
            )


def _cut(source: Source) -> Source:
    """The same source with unusable rows gone and every split there."""
    usable = {split: _usable(source, table) for split, table in source.tables.items()}
    dropped = {split: len(source.tables[split]) - len(rows) for split, rows in usable.items()}
    train, others = source.tables["train"], {s: t.take(usable[s]) for s, t in source.tables.items() if s != "train"}
    parts = by_column(train) if not others else None
    rows = usable["train"]
    told: dict[str, Indices] = {}
    repeated = 0
    if parts is not None:
        told = {split: np.intersect1d(part, rows) for split, part in parts.items()}
        told = {split: part for split, part in told.items() if len(part)}
        rows = told.pop("train", rows[:0])
    if not len(rows):
        raise _unusable(source, train)
    missing = [split for split in ("validation", "test") if split not in others and split not in told]
    if missing:
        asked, whole = _groups(source, train)
        strata = groups(train.data, ["label"]) if source.labels and source.pictures else None
        made = cut_off(rows, asked, whole, missing, source.settings, train.name, strata)
        repeated = len(rows) - sum(map(len, made.values()))
        told |= made
    else:
        told["train"] = rows
    tables = {split: train.take(part) for split, part in told.items()} | others
    for table in tables.values():
        if not len(table):
            raise _unusable(source, table)
    return replace(source, tables={split: tables[split] for split in SPLITS}, dropped=dropped, repeated=repeated)


def _unusable(source: Source, table: Table) -> DataError:
    columns = ", ".join(filter(None, (*source.columns.prompt, source.columns.response, source.columns.messages)))
    return DataError(
        "no_usable_rows",
        f"{table.name} has no row with something to learn in {columns}: name other columns with the data settings "
        "prompt and response.",
        file=table.name,
        column=columns,
    )


def _groups(source: Source, table: Table) -> tuple[Indices, Indices]:
    """Numbers of what is asked and of whole rows, see `cut_off`."""
    columns = source.columns
    answered = [columns.response] if columns.response else []
    if source.template.render is not None:
        written = pa.array([row.prompt for row in SourceRows(source, table)], pa.large_string())
        data = pa.table({"asked": written, **{f"answered {name}": table.data.column(name) for name in answered}})
        return groups(data, ["asked"]), groups(data, data.column_names)
    if source.pictures:  # the same picture under two names is one
        return groups(table.data, ["content"]), groups(table.data, ["content", "label"])
    asked = list(columns.asked) or answered
    return groups(table.data, asked), groups(table.data, [*asked, *answered])


def _usable(source: Source, table: Table) -> Indices:
    """Rows that something can be learned or scored from."""
    columns = source.columns
    if columns.kind == "messages":
        return np.array([row for row in range(len(table)) if source._turns(table, row) is not None], np.int64)
    answers = pc.utf8_trim_whitespace(table.data.column(columns.response))
    if source.labels:
        good = pc.is_in(answers, pa.array(source.labels, pa.large_string()))
    else:
        good = _says(answers)
        for name in columns.prompt if not source.numbers else ():
            good = pc.or_(good, _says(table.data.column(name)))
    return np.flatnonzero(good.to_numpy())


def _says(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whether more than space stands in a cell."""
    return pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(cells), ""), fill_value=False)
