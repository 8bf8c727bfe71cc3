"""Arrow tables as columns of text; label names that the hub's files carry are kept."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.data.table import MAX_CELL, Table, filled, huge_cell, plain_text

TEXT = pa.large_string()


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
    columns = {
        column: pa.chunked_array(map(as_texts, data.column(column).chunks), TEXT) for column in data.column_names
    }
    return table_of_texts(name, pa.table(columns), data.schema, numbers)


def table_of_texts(name: str, texts: pa.Table, schema: pa.Schema, numbers: NDArray[np.int64] | None) -> Table:
    """The same where its cells are texts already.

    Args:
        name: What the user calls it.
        texts: The cells.
        schema: Of the cells as they were.
        numbers: As above.

    Raises:
        DataError: It has no rows, or a cell is far too long.
    """
    filled(texts, name)
    for column, cells in zip(texts.column_names, texts.columns, strict=True):
        lengths = pc.utf8_length(cells)
        longest = pc.max(lengths).as_py() or 0
        if longest > MAX_CELL:
            row = pc.index(lengths, pa.scalar(longest, lengths.type)).as_py()
            raise huge_cell(name, 1 + int(row if numbers is None else numbers[row]), column, longest)
    return Table(
        name=name,
        data=texts,
        nested=frozenset(field.name for field in schema if pa.types.is_nested(field.type)),
        label_names=_label_names(schema),
        cut=numbers is not None,
        numbers=numbers,
    )


def as_texts(cells: pa.Array) -> pa.Array:
    """Cells as texts: numbers, lists and objects as JSON, bytes as nothing."""
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return as_texts(cells.dictionary).take(cells.indices)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind):
        return cells.cast(TEXT)
    if holds_bytes(kind):
        return pa.nulls(len(cells), TEXT)
    return pa.array([plain_text(cell) for cell in cells.to_pylist()], TEXT)


def holds_bytes(kind: pa.DataType) -> bool:
    """Whether cells of a type are bytes, which are no text."""
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


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
