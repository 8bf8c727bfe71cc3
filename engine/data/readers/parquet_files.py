"""Parquet as columns of text, in bounded memory: a file of kilobytes can hold gigabytes.

Such a file stores a text that stands in many rows once. How long the longest of these is decides how many rows are
unpacked together; where they are long, none is unpacked before it is known how much all of them are.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.core.errors import DataError
from engine.data.readers.arrow_files import TEXT, as_texts, table_of_texts
from engine.data.row_limit import RowLimit
from engine.data.row_sample import rows_of
from engine.data.table import MAX_CELL, Table, huge_cell

Indices = NDArray[np.int64]

MOST_BYTES = 2**30
"""Of all texts that are kept."""
BATCH_BYTES, BATCH_ROWS = 2**26, 8192
"""Of what is unpacked together."""
CELLS_AT_ONCE = 256
"""Cells with bytes, such as pictures, that are in memory together."""
LONG = 4096
"""Bytes of a text from which on a column stays packed until its texts are counted, where it stores each once."""
MOST_RATIO = 100
"""Bytes of lists that come out of one, where they are more than a little: lists of numbers do not shrink so."""
BUFFER = 2**16
"""Bytes of a column that are read together."""
WIDTHS = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 12}
INDEX = 4
"""Bytes that stand for a text which is stored once."""
BESIDE = 2**16
"""Bytes that a column may have beside its texts and the numbers that stand for them."""


def read_parquet(path: Path, limit: RowLimit, _encoding: str = "") -> Table:
    """Read a sample of the rows of a Parquet file, batch by batch; its texts are always UTF-8.

    Raises:
        DataError: It is damaged, has no rows, or unpacks to too much.
    """
    try:
        with pq.ParquetFile(path) as file:
            count, schema = file.metadata.num_rows, file.schema_arrow
            rows = rows_of(count, limit)
            _check_description(path.name, file, len(rows) / max(count, 1))
            batches = _texts(path.name, _batches(path, file.metadata, rows), rows)
            texts = pa.Table.from_batches(batches, pa.schema([(name, TEXT) for name in schema.names]))
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            "bad_parquet",
            f"The file {path.name} is not Parquet that can be read ({reason}): write it again.",
            file=path.name,
            reason=reason,
        ) from error
    return table_of_texts(path.name, texts, schema, rows if count > limit.rows else None)


def stored_bytes(path: Path, column: str, rows: Indices) -> Iterator[Any] | None:
    """Some cells of a column of bytes, of objects with bytes in them, or of lists of those; None for others.

    A cell is bytes, or an object as the hub's pictures are, with "bytes" and "path".
    """
    kind = pq.read_schema(path).field(column).type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        kind = kind.value_type
    parts = [part.type for part in kind] if pa.types.is_struct(kind) else [kind]
    if not any(pa.types.is_binary(part) or pa.types.is_large_binary(part) for part in parts):
        return None
    batches = _batches(path, pq.read_metadata(path), rows, [column], CELLS_AT_ONCE)
    return (cell.as_py() for batch in batches for cell in batch.column(0))


def _check_description(name: str, file: pq.ParquetFile, share: float) -> None:
    """Refuse a file that says itself that it is too much, before anything of it is unpacked.

    Args:
        name: What the user calls it.
        file: The file.
        share: Of its rows that are read.

    Raises:
        DataError: It is.
    """
    texts = {field.name for field in file.schema_arrow if _is_text(field.type)}
    places = range(file.metadata.num_columns)
    paths = [file.schema.column(place).path for place in places]
    lists = [file.schema.column(place).max_repetition_level > 0 for place in places]
    size = 0
    for number in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(number)
        for place in places:
            if lists[place]:
                column = group.column(place)
                listed = column.num_values * _width(file.schema.column(place))
                if listed > max(MOST_BYTES, MOST_RATIO * column.total_compressed_size):
                    raise _huge(name)
            elif paths[place] in texts:
                size += group.column(place).total_uncompressed_size
    if size * share > MOST_BYTES:
        raise _huge(name)


def _width(column: pq.ColumnSchema) -> int:
    """Bytes of a value; of a text, which may be stored once, those of the number that stands for it."""
    if column.physical_type == "FIXED_LEN_BYTE_ARRAY":
        return int(column.length)
    return WIDTHS.get(column.physical_type, INDEX)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _texts(name: str, batches: Iterable[pa.RecordBatch], numbers: Indices) -> Iterator[pa.RecordBatch]:
    """The same rows as texts.

    Raises:
        DataError: They are too much, or a cell is far too long.
    """
    size = done = 0
    for batch in batches:
        columns = []
        for column, cells in zip(batch.schema.names, batch.columns, strict=True):
            if pa.types.is_dictionary(cells.type) and _is_text(cells.type.value_type):
                lengths = pc.binary_length(cells.dictionary).take(cells.indices)
                longest = pc.max(lengths).as_py() or 0
                if longest > 4 * MAX_CELL:  # no sign has more bytes
                    row = pc.index(lengths, pa.scalar(longest, lengths.type)).as_py()
                    raise huge_cell(name, 1 + int(numbers[done + row]), column, longest)
                if size + _sum(lengths) > MOST_BYTES:
                    raise _huge(name)
            parts = []
            for part in _parts(name, cells):
                parts.append(as_texts(part))
                size += parts[-1].nbytes
                if size > MOST_BYTES:
                    raise _huge(name)
            columns.append(pa.concat_arrays(parts))
        done += len(batch)
        yield pa.record_batch(columns, names=batch.schema.names)


def _parts(name: str, cells: pa.Array) -> Iterator[pa.Array]:
    """Cells in parts that can be unpacked one after the other.

    Raises:
        DataError: A single one is too much.
    """
    size = _unpacked(cells) if pa.types.is_nested(cells.type) else 0
    if size <= BATCH_BYTES:
        yield cells
    elif len(cells) > 1:
        half = len(cells) // 2
        yield from _parts(name, cells[:half])
        yield from _parts(name, cells[half:])
    elif size > MOST_BYTES:
        raise _huge(name)
    else:
        yield cells


def _unpacked(cells: pa.Array) -> int:
    """Bytes of cells when all that is in them is unpacked."""
    size = 0
    for leaf in _leaves(cells):
        if pa.types.is_dictionary(leaf.type) and _has_lengths(leaf.type.value_type):
            size += _sum(pc.binary_length(leaf.dictionary).take(leaf.indices))
        else:
            size += leaf.nbytes
    return size


def _leaves(cells: pa.Array) -> Iterator[pa.Array]:
    """What lists and objects are made of, in the order in which a file stores it."""
    kind = cells.type
    if isinstance(cells, pa.ExtensionArray):
        yield from _leaves(cells.storage)
    elif pa.types.is_map(kind):
        low, high = (cells.offsets[place].as_py() for place in (0, len(cells)))
        for part in (cells.keys, cells.items):
            yield from _leaves(part.slice(low, high - low))
    elif pa.types.is_struct(kind):
        for part in cells.flatten():
            yield from _leaves(part)
    elif pa.types.is_nested(kind):
        yield from _leaves(cells.flatten())
    else:
        yield cells


def _has_lengths(kind: pa.DataType) -> bool:
    return _is_text(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _sum(lengths: pa.Array) -> int:
    total: int = pc.sum(lengths.cast(pa.int64())).as_py() or 0
    return total


def _batches(
    path: Path, metadata: pq.FileMetaData, rows: Indices, columns: list[str] | None = None, most: int = BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """The rows with these numbers, as many at once as memory allows.

    Args:
        path: The file.
        metadata: Its description.
        rows: The numbers, in order.
        columns: Those that are read; None for all.
        most: Rows at once, however short.
    """
    start = 0
    for number in range(metadata.num_row_groups):
        end = start + metadata.row_group(number).num_rows
        low, high = np.searchsorted(rows, (start, end))
        if low < high:
            plan = _plan(path, metadata, number, columns)
            with pq.ParquetFile(path, metadata=metadata, read_dictionary=plan.packed, buffer_size=BUFFER) as file:
                batches = file.iter_batches(min(most, plan.rows), row_groups=[number], columns=columns)
                yield from _taken(batches, rows[low:high] - start)
        start = end


def _taken(batches: Iterable[pa.RecordBatch], rows: Indices) -> Iterator[pa.RecordBatch]:
    """The rows with these numbers of all batches together."""
    start = 0
    for batch in batches:
        low, high = np.searchsorted(rows, (start, start + len(batch)))
        if high - low == len(batch):
            yield batch
        elif low < high:
            yield batch.take(pa.array(rows[low:high] - start))
        if high == len(rows):
            return
        start += len(batch)


class _Plan(NamedTuple):
    """How a part of a file is read: which columns stay packed, and how many rows come at once."""

    packed: list[str]
    rows: int


def _plan(path: Path, metadata: pq.FileMetaData, number: int, columns: Sequence[str] | None) -> _Plan:
    """How a row group is read."""
    group = metadata.row_group(number)
    stored = {}
    for place in range(group.num_columns):
        column = group.column(place)
        if columns is None or any(f"{column.path_in_schema}.".startswith(f"{name}.") for name in columns):
            stored[place] = column
    packed, size = [], 0.0
    lengths = _stored_once(path, metadata, number, list(stored.values()))
    for place, column in stored.items():
        each, values = column.total_uncompressed_size / group.num_rows, column.num_values / group.num_rows
        if column.path_in_schema in lengths:
            longest, together = lengths[column.path_in_schema]
            nothing_else = column.total_uncompressed_size <= together + 2 * INDEX * column.num_values + BESIDE
            if longest > LONG and nothing_else:
                packed.append(column.path_in_schema)
                longest = INDEX
            each = max(each, longest * max(values, 1))
        size += max(each, values * _width(metadata.schema.column(place)))
    return _Plan(packed, max(1, int(BATCH_BYTES / max(size, 1))))


def _stored_once(
    path: Path, metadata: pq.FileMetaData, number: int, columns: Sequence[pq.ColumnChunkMetaData]
) -> dict[str, tuple[int, int]]:
    """By column, bytes of the longest text that a row group stores once, and of all of these together."""
    texts = [column for column in columns if column.physical_type == "BYTE_ARRAY"]
    names = [column.path_in_schema for column in texts]
    found: dict[str, tuple[int, int]] = {}
    if not names:
        return found
    with pq.ParquetFile(path, metadata=metadata, read_dictionary=names, buffer_size=BUFFER) as file:
        first = next(file.iter_batches(1, row_groups=[number]))
        paths = [file.schema.column(place).path for place in range(metadata.num_columns)]
        for name, leaf in zip(paths, (leaf for cells in first.columns for leaf in _leaves(cells)), strict=True):
            if _known(leaf):
                found[name] = _lengths(leaf)
        for column in texts:
            if (name := column.path_in_schema) in found or _is_empty(column):
                continue
            for batch in file.iter_batches(BATCH_ROWS, row_groups=[number], columns=[name]):
                leaves = [leaf for cells in batch.columns for leaf in _leaves(cells) if _known(leaf)]
                if leaves:
                    found[name] = max(map(_lengths, leaves))
                    break
    return found


def _is_empty(column: pq.ColumnChunkMetaData) -> bool:
    """Whether a column says that nothing stands in it."""
    told = column.statistics if column.is_stats_set else None
    return told is not None and told.has_null_count and told.null_count == column.num_values


def _known(leaf: pa.Array) -> bool:
    """Whether the texts that a column stores once were read: it waits for the first one that it needs."""
    return not pa.types.is_dictionary(leaf.type) or len(leaf.dictionary) > 0


def _lengths(leaf: pa.Array) -> tuple[int, int]:
    if pa.types.is_dictionary(leaf.type) and _has_lengths(leaf.type.value_type):
        lengths = pc.binary_length(leaf.dictionary)
        return pc.max(lengths).as_py() or 0, _sum(lengths)
    return INDEX, 0


def _huge(name: str) -> DataError:
    size = f"{MOST_BYTES // 2**20:,}"
    return DataError(
        "huge_parquet",
        f"The rows of {name} have more than {size} MB when they are unpacked: lower row_limit, or take a part of it.",
        file=name,
        size=size,
    )
