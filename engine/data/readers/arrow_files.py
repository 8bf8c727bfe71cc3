"""Parquet, and any other Arrow table, as columns of text; label names that the hub's files carry are kept."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.core.errors import DataError
from engine.data.table import MAX_CELL, Table, filled, huge_cell, plain_text

MOST_BYTES = 2**30
"""Of all rows that are read, unpacked: a file of kilobytes can hold gigabytes."""

BATCH = 8192


def read_parquet(path: Path, limit: int, _encoding: str = "") -> Table:
    """Read the first rows of a Parquet file, row group by row group; its texts are always UTF-8.

    Raises:
        DataError: It is damaged, has no rows, or unpacks to too much.
    """
    try:
        schema = pq.read_schema(path)
        texts = [
            field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
        ]
        # A text that stands in many rows is kept once, until it is known how much all of them are.
        file = pq.ParquetFile(path, read_dictionary=texts)
        batches, count, size = [], 0, 0
        _check_groups(path.name, file.metadata, limit)
        for batch in file.iter_batches(batch_size=min(limit, BATCH)):
            size += sum(
                _bytes(path.name, column, count, cells)
                for column, cells in zip(batch.schema.names, batch.columns, strict=True)
            )
            if size > MOST_BYTES:
                raise _huge(path.name)
            batches.append(batch.cast(schema))
            count += len(batch)
            if count >= limit:
                break
        data = pa.Table.from_batches(batches, schema).slice(0, limit)
        cut = file.metadata.num_rows > limit
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            "bad_parquet",
            f"The file {path.name} is not Parquet that can be read ({str(error).splitlines()[0]}): write it again.",
            file=path.name,
            reason=str(error).splitlines()[0],
        ) from error
    return from_arrow(path.name, data, cut=cut)


def _check_groups(name: str, metadata: pq.FileMetaData, limit: int) -> None:
    """Refuse a file that says itself that its first rows are too much, before any of them is unpacked."""
    rows = size = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        size += group.total_byte_size
        if size > MOST_BYTES:
            raise _huge(name)
        rows += group.num_rows
        if rows >= limit:
            return


def _bytes(name: str, column: str, before: int, cells: pa.Array) -> int:
    """Bytes of a column's part when it is unpacked.

    Raises:
        DataError: A cell is far too long.
    """
    if not pa.types.is_dictionary(cells.type):
        return int(cells.nbytes)
    sizes = pc.binary_length(cells.dictionary).take(cells.indices)
    longest = pc.max(sizes).as_py() or 0
    if longest > 4 * MAX_CELL:  # no sign has more bytes
        raise huge_cell(name, before + pc.index(sizes, pa.scalar(longest, sizes.type)).as_py() + 1, column, longest)
    return pc.sum(sizes.cast(pa.int64())).as_py() or 0


def _huge(name: str) -> DataError:
    size = MOST_BYTES // 2**20
    return DataError(
        "huge_parquet",
        f"The rows of {name} have more than {size:,} MB when they are unpacked: lower row_limit, or take a part of it.",
        file=name,
        size=f"{size:,}",
    )


def from_arrow(name: str, data: pa.Table, *, cut: bool) -> Table:
    """An Arrow table with every column as text.

    Raises:
        DataError: It has no rows, or a cell is far too long.
    """
    filled(data, name)
    kinds = {field.name: field.type for field in data.schema}
    nested = frozenset(n for n, kind in kinds.items() if pa.types.is_nested(kind))
    columns = {column: _texts(data.column(column), kinds[column]) for column in data.column_names}
    for column, cells in columns.items():
        lengths = pc.utf8_length(cells)
        longest = pc.max(lengths).as_py() or 0
        if longest > MAX_CELL:
            raise huge_cell(name, pc.index(lengths, pa.scalar(longest, lengths.type)).as_py() + 1, column, longest)
    return Table(name=name, data=pa.table(columns), nested=nested, label_names=_label_names(data.schema), cut=cut)


def _texts(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind):
        return column.cast(pa.large_string())
    return pa.chunked_array(
        [pa.array([plain_text(v) for v in chunk.to_pylist()], pa.large_string()) for chunk in column.chunks],
        pa.large_string(),
    )


def _label_names(schema: pa.Schema) -> dict[str, tuple[str, ...]]:
    """Names of label ids as the library `datasets` notes them in a schema."""
    try:
        features: dict[str, Any] = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError):
        return {}
    return {
        name: tuple(feature["names"])
        for name, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names")
    }
