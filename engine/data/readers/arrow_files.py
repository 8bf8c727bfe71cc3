"""Parquet, and any other Arrow table, as columns of text; label names that the hub's files carry are kept."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.core.errors import DataError
from engine.data.row_limit import RowLimit
from engine.data.row_sample import rows_of
from engine.data.table import MAX_CELL, Table, filled, huge_cell, plain_text

CELLS_AT_ONCE = 256
"""Cells with bytes, such as pictures, that are in memory together."""


def read_parquet(path: Path, limit: RowLimit, _encoding: str = "") -> Table:
    """Read a sample of the rows of a Parquet file, batch by batch; its texts are always UTF-8.

    Raises:
        DataError: It is damaged or has no rows.
    """
    try:
        file = pq.ParquetFile(path)
        count = file.metadata.num_rows
        rows = rows_of(count, limit)
        batches = _taken(file.iter_batches(batch_size=min(limit.rows, 65_536)), rows)
        data = pa.Table.from_batches(batches, file.schema_arrow)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            "bad_parquet",
            f"The file {path.name} is not Parquet that can be read ({str(error).splitlines()[0]}): write it again.",
            file=path.name,
            reason=str(error).splitlines()[0],
        ) from error
    return from_arrow(path.name, data, rows if count > limit.rows else None)


def _taken(batches: Iterable[pa.RecordBatch], rows: NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
    """The rows with these numbers of all batches together."""
    start = 0
    for batch in batches:
        low, high = np.searchsorted(rows, (start, start + len(batch)))
        yield batch.take(pa.array(rows[low:high] - start))
        start += len(batch)


def stored_bytes(path: Path, column: str, rows: NDArray[np.int64]) -> Iterator[Any] | None:
    """Some cells of a column of bytes, of objects with bytes in them, or of lists of those; None for others.

    A cell is bytes, or an object as the hub's pictures are, with "bytes" and "path".
    """
    kind = pq.read_schema(path).field(column).type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        kind = kind.value_type
    parts = [part.type for part in kind] if pa.types.is_struct(kind) else [kind]
    if not any(pa.types.is_binary(part) or pa.types.is_large_binary(part) for part in parts):
        return None
    batches = _taken(pq.ParquetFile(path).iter_batches(batch_size=CELLS_AT_ONCE, columns=[column]), rows)
    return (cell.as_py() for batch in batches for cell in batch.column(0))


def from_arrow(name: str, data: pa.Table, numbers: NDArray[np.int64] | None) -> Table:
    """An Arrow table with every column as text.

    Args:
        name: What the user calls it.
        data: The rows.
        numbers: Their numbers among all, where they are a sample; None where they are all.

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
            row = pc.index(lengths, pa.scalar(longest, lengths.type)).as_py()
            raise huge_cell(name, 1 + int(row if numbers is None else numbers[row]), column, longest)
    return Table(
        name=name,
        data=pa.table(columns),
        nested=nested,
        label_names=_label_names(data.schema),
        cut=numbers is not None,
        numbers=numbers,
    )


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
