"""Opens a file, a folder of pictures or a hub dataset: columns and labels chosen, unusable rows gone, split."""

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.core.errors import DataError
from engine.data.columns import Columns, check_column, columns_for, is_label
from engine.data.jinja_process import filled
from engine.data.labels import kind_of, names_of
from engine.data.readers.dispatch import read_tables
from engine.data.readers.formats import Stamp, stamp_of
from engine.data.readers.pictures import folder_stamp, is_pictures
from engine.data.readers.row_pictures import with_pictures
from engine.data.settings import DataSettings
from engine.data.source import Source, SourceRows
from engine.data.span_columns import holds_spans
from engine.data.splits import SPLITS, Indices, by_column, cut_off, groups
from engine.data.table import Table, strings
from engine.data.templates import template_for

PICTURE = "\0picture"
"""Name of a column beside the file's own: what their pictures hold."""

PICTURES = Columns(kind="labels", prompt=("picture",), response="label")


def open_source(name: str, settings: DataSettings) -> Source:
    """Read a file or a hub dataset; what was read lately and has not changed is not read again.

    Raises:
        DataError: It cannot be read, or no rows can be made of it.
    """
    return _open(name, settings, tuple(_stamp(path) for path in (name, settings.validation, settings.test)))


def _stamp(name: str) -> Stamp | None:
    """Size and time of a file, or what stands for a folder's; None for others, whose error comes from reading them."""
    path = Path(name).expanduser()
    try:
        return (0, folder_stamp(path)) if name.strip() and is_pictures(path) else stamp_of(path)
    except (OSError, ValueError):
        return None


@functools.lru_cache(maxsize=4)
def _open(name: str, settings: DataSettings, stamps: tuple[Stamp | None, ...]) -> Source:
    tables = read_tables(name, settings)
    if column := settings.picture.strip():
        files = {"train": name, "validation": settings.validation, "test": settings.test}
        tables = {split: with_pictures(table, column, files[split]) for split, table in tables.items()}
    pictures = tables["train"].gallery is not None
    tables = {split: _with_plain_labels(table) for split, table in tables.items()}
    columns = PICTURES if pictures else columns_for(tables["train"], settings)
    for table in tables.values():
        for each in (*columns.asked, columns.response):
            check_column(table, each)
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
        spans=kind == "free" and holds_spans(tables["train"], columns, settings),
    )
    return _split(_written(source))


def _with_plain_labels(table: Table) -> Table:
    """The same table with lists of labels as texts."""
    for column in sorted(table.nested):
        if is_label(column):
            table = table.flattened(column)
    return table


def _written(source: Source) -> Source:
    """The same source with the prompts that a template of the user's own makes of every row.

    Raises:
        DataError: The template fails on a row, or takes too much time or memory.
    """
    template = source.template.jinja
    if not template or source.columns.kind == "messages":
        return source
    tables = {}
    for split, table in source.tables.items():
        cells = (source.cells(table, row) for row in range(len(table)))
        tables[split] = replace(table, written=strings(list(filled(template, cells, len(table)))))
    return replace(source, tables=tables)


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


def _split(source: Source) -> Source:
    """The same source with unusable rows gone and every split there: given, named by a column, or cut off."""
    usable = {split: _usable(source, table) for split, table in source.tables.items()}
    dropped = {split: len(source.tables[split]) - len(rows) for split, rows in usable.items()}
    train, rows = source.tables["train"], usable["train"]
    given = {split: table.take(usable[split]) for split, table in source.tables.items() if split != "train"}
    parts = by_column(train) if not given else None
    named: dict[str, Indices] = {}
    if parts is not None:
        named = {split: part for split in parts if len(part := np.intersect1d(parts[split], rows))}
        rows = named.pop("train", rows[:0])
    if not len(rows):
        raise _unusable(source, train)
    missing = [split for split in ("validation", "test") if split not in given and split not in named]
    made = {"train": rows}
    if missing:
        asked, whole = _same_rows(source, train)
        strata = (
            groups(train.data, ["label" if source.pictures else source.columns.response]) if source.labels else None
        )
        made = cut_off(rows, asked, whole, missing, source.settings, train.name, strata)
    tables = {split: train.take(part) for split, part in (named | made).items()} | given
    for table in tables.values():
        if not len(table):
            raise _unusable(source, table)
    repeated = len(rows) - sum(map(len, made.values()))
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


def _same_rows(source: Source, table: Table) -> tuple[Indices, Indices]:
    """A number for each row by what it asks, and one by all of it, see `cut_off`."""
    columns = source.columns
    answered = [columns.response] if columns.response else []
    if source.template.jinja:
        written = pa.array([row.prompt for row in SourceRows(source, table)], pa.large_string())
        seen = {} if table.beside is None else {PICTURE: table.beside.column("digest")}
        data = pa.table(
            {"asked": written, **seen, **{f"answered {name}": table.data.column(name) for name in answered}}
        )
        return groups(data, ["asked", *seen]), groups(data, data.column_names)
    if source.pictures:  # the same picture under two names is one
        return groups(table.data, ["content"]), groups(table.data, ["content", "label"])
    asked = list(columns.asked) or answered
    if table.beside is None:
        return groups(table.data, asked), groups(table.data, [*asked, *answered])
    data = table.data.append_column(PICTURE, table.beside.column("digest"))  # another picture is another question
    asked = [*columns.asked, PICTURE]
    return groups(data, asked), groups(data, [*asked, *answered])


def _usable(source: Source, table: Table) -> Indices:
    """Rows that something can be learned or scored from."""
    columns = source.columns
    if source.spans:
        return np.array([row for row in range(len(table)) if source.passage(table, row) is not None], np.int64)
    if columns.kind == "messages":
        return np.array([row for row in range(len(table)) if source.turns(table, row) is not None], np.int64)
    answers = pc.utf8_trim_whitespace(table.data.column(columns.response))
    if source.labels:
        usable = pc.is_in(answers, pa.array(source.labels, pa.large_string()))
    else:
        usable = _has_text(answers)
        for name in columns.prompt if not source.numbers else ():
            usable = pc.or_(usable, _has_text(table.data.column(name)))
    return np.flatnonzero(usable.to_numpy())


def _has_text(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whether more than space stands in a cell."""
    return pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(cells), ""), fill_value=False)
