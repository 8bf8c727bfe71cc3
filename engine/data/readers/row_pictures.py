"""Pictures beside the texts of a table's rows: each found, unpacked once to see that it is whole, and told by its hash.

A path counts from the folder of the data file on, and must lie in it or below. Where the format can hold bytes, a cell
may hold the picture itself, as the hub's files do; it is then kept in the home's cache, by the hash of what it holds.
"""

import functools
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from engine.core.atomic import replacing
from engine.core.confine import named_path
from engine.core.errors import DataError
from engine.core.paths import cache_root
from engine.core.plain_json import loads
from engine.core.writing import writing
from engine.data.columns import check_column
from engine.data.pixels import NoPictureError, look_at
from engine.data.readers.formats import stored_cells
from engine.data.readers.hub_name import HUB
from engine.data.readers.pictures import THREADS
from engine.data.table import Table


def with_pictures(table: Table, column: str, source: str) -> Table:
    """The same table with the picture of every row.

    Args:
        table: The rows.
        column: Its column with pictures.
        source: The data file that they were read from.

    Raises:
        DataError: The first picture that cannot be used, or a row with several; or they do not come from a file.
    """
    if source.startswith(HUB) or table.gallery is not None:
        raise DataError(
            "no_row_pictures",
            f"picture names the column {column!r}, but {table.name} is no file: only rows of a file can have pictures, "
            "so download it as a file and give its path.",
            file=table.name,
            column=column,
        )
    check_column(table, column)
    file = Path(source.strip()).expanduser()
    embedded = _embedded(file, table, column)
    names = embedded or [_name(table, row, column) for row in range(len(table))]
    roots = [file.parent.resolve(), *([_embedded_root().resolve()] if embedded else [])]
    wanted = sorted({name for name in names if name})
    with ThreadPoolExecutor(THREADS) as pool:
        found = dict(zip(wanted, pool.map(functools.partial(_check, roots), wanted), strict=True))
    for row, name in enumerate(names):
        if name and isinstance(wrong := found[name], str):
            raise _unusable(table.name, table.number(row), name, wrong)
    cells = [found[name] if name else ("", "", False) for name in names]
    paths, digests, several = ([cell[at] for cell in cells] for at in range(3))
    columns = {name: pa.array(each, pa.large_string()) for name, each in (("path", paths), ("digest", digests))}
    return replace(table, beside=pa.table({**columns, "several": pa.array(several, pa.bool_())}))


def _name(table: Table, row: int, column: str) -> str:
    """What a cell names; empty for none.

    Raises:
        DataError: It names several.
    """
    text = table.text(row, column).strip()
    try:
        value: Any = loads(text) if column in table.nested or text.startswith("[") else text
    except ValueError:
        value = text
    if isinstance(value, list):
        if len(value) > 1:
            raise _several(table.name, table.number(row), len(value))
        value = value[0] if value else ""
    if isinstance(value, dict):
        value = value.get("path") or value.get("file_name") or ""
    return str(value).strip() if value is not None else ""


def _embedded(file: Path, table: Table, column: str) -> list[str]:
    """Paths of pictures that stand in the file themselves; nothing where none do."""
    stored = stored_cells(file, column, np.arange(len(table)) if table.numbers is None else table.numbers)
    if stored is None:
        return []
    names: list[str] = []
    for row, cell in enumerate(stored):
        if isinstance(cell, list) and len(cell) > 1:
            raise _several(table.name, table.number(row), len(cell))
        value = cell[0] if isinstance(cell, list) and cell else cell
        data = value.get("bytes") if isinstance(value, dict) else value
        path = value.get("path") if isinstance(value, dict) else None
        names.append(_kept(data) if isinstance(data, bytes) and data else str(path or ""))
    return names


def _kept(data: bytes) -> str:
    """The file in the cache that holds these bytes."""
    digest = hashlib.blake2b(data, digest_size=12).hexdigest()
    file = _embedded_root() / digest[:2] / digest
    if not file.is_file() or file.stat().st_size != len(data):
        with writing(file), replacing(file) as temporary:
            temporary.write_bytes(data)
    return str(file)


def _embedded_root() -> Path:
    return cache_root() / "embedded"


def _check(roots: Sequence[Path], name: str) -> tuple[str, str, bool] | str:
    """Path and hash of a picture, and whether its file holds several; or why it cannot be used."""
    try:
        target = (roots[0] / name).resolve()
        if not any(target.is_relative_to(root) for root in roots):
            return "outside"
        if not target.exists():
            return "missing"
        named_path(str(target))
        several = look_at(target).several
        return str(target), hashlib.blake2b(target.read_bytes(), digest_size=12).hexdigest(), several
    except NoPictureError as error:
        return str(error)
    except (OSError, ValueError, RuntimeError):
        return "missing"


def _unusable(file: str, row: int, name: str, reason: str) -> DataError:
    """The error of a row whose picture cannot be used."""
    name = Path(name).name if Path(name).is_relative_to(_embedded_root()) else name
    has = f"Row {row} of {file} has the picture {name!r}, which"
    errors = {
        "missing": DataError(
            "row_picture_missing",
            f"{has} is not there: put it into the folder of that file or below, or leave the cell empty.",
            row=row,
            file=file,
            name=name,
        ),
        "outside": DataError(
            "row_picture_outside",
            f"{has} leads out of the folder of that file: pictures must lie there or below.",
            row=row,
            file=file,
            name=name,
        ),
        "no_picture": DataError(
            "row_picture_no_picture",
            f"{has} is no picture that can be read: give a JPEG, PNG, WebP, GIF, BMP, TIFF or PPM file.",
            row=row,
            file=file,
            name=name,
        ),
        "broken": DataError(
            "row_picture_broken",
            f"{has} is damaged or cut off: replace it, or take the row out.",
            row=row,
            file=file,
            name=name,
        ),
        "huge": DataError(
            "row_picture_huge",
            f"{has} has more than 50 million pixels: make it smaller.",
            row=row,
            file=file,
            name=name,
        ),
    }
    return errors[reason]


def _several(file: str, row: int, count: int) -> DataError:
    return DataError(
        "row_pictures_several",
        f"Row {row} of {file} has {count} pictures, and one is the limit: keep one, or make a row of each.",
        row=row,
        file=file,
        count=count,
    )
