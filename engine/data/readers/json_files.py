"""JSON and JSON lines, one object at a time: a long list is never held as Python objects, errors name their place."""

import json
import re
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from engine.core.errors import DataError
from engine.core.plain_json import loads
from engine.data.readers.coco import caption_rows, is_captions
from engine.data.readers.encodings import encoding_of
from engine.data.readers.science_qa import is_problems, problem_rows
from engine.data.readers.squad import is_squad, squad_rows
from engine.data.row_limit import RowLimit
from engine.data.split_names import NAMES
from engine.data.table import Table, TableMaker

SPACE = re.compile(r"[ \t\r\n]*")
BEGUN = re.compile(r'\s*\{\s*("[^"]*"\s*:\s*[\[{]?\s*)?("[^"]*"\s*,\s*)?')
"""A first line that only begins an object: the file is written over several lines, whatever it is called."""

DECODER = json.JSONDecoder()


def read_json(path: Path, limit: RowLimit, encoding: str = "") -> Table:
    """Read a list of objects, an object that holds such a list (or lists as columns), one object, or one per line.

    Args:
        path: The file.
        limit: Most rows to read.
        encoding: Of the file; empty finds out.

    Raises:
        DataError: It is not JSON, or holds no rows.
    """
    encoding = encoding_of(path, encoding)
    if _in_lines(path, encoding):
        return _read_lines(path, encoding, limit)
    text = path.read_text(encoding=encoding)
    maker = TableMaker(path.name, limit)
    try:
        for value, place in _rows(text, path):
            if maker.wants():
                line = partial(_line, text, place)
                maker.add(_cells(value, maker.name, line), line)
    except json.JSONDecodeError as error:
        raise _bad_json(path.name, error.lineno, error.colno, error.msg) from error
    except (ValueError, RecursionError) as error:
        raise _bad_json(path.name, 1, 1, str(error)) from error
    return maker.table(encoding=encoding)


def _in_lines(path: Path, encoding: str) -> bool:
    """Whether every line is a value of its own: the first two lines tell, whatever the file is called."""
    with path.open(encoding=encoding) as file:
        first = next((line for line in file if line.strip()), "")
        second = next((line for line in file if line.strip()), "")
    if not first.lstrip().startswith("{"):
        return False
    try:
        loads(first)
    except ValueError:
        return path.suffix.lower() in (".jsonl", ".ndjson") and not BEGUN.fullmatch(first)
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return True
    return second.lstrip().startswith("{")


def _read_lines(path: Path, encoding: str, limit: RowLimit) -> Table:
    maker = TableMaker(path.name, limit)
    with path.open(encoding=encoding) as file:
        for number, line in enumerate(file, 1):
            if not line.strip() or not maker.wants():
                continue
            try:
                value = loads(line)
            except json.JSONDecodeError as error:
                raise _bad_json(path.name, number, error.colno, error.msg) from error
            except ValueError as error:
                raise _bad_json(path.name, number, 1, str(error)) from error
            line_number = partial(int, number)
            maker.add(_cells(value, path.name, line_number), line_number)
    return maker.table(encoding=encoding)


def _rows(text: str, path: Path) -> Iterator[tuple[Any, int]]:
    """Every row with the place where it begins."""
    at = _skip(text, 0)
    if at == len(text):
        return
    if text[at] == "[":
        end = _skip(text, (yield from _items(text, at)))
        if end < len(text):
            raise json.JSONDecodeError("Extra data", text, end)
    elif text[at] == "{":
        value, end = DECODER.raw_decode(text, at)
        if _skip(text, end) == len(text):
            rows = _known(value, path.parent)
            yield from _inside(value, at, path.name) if rows is None else ((row, at) for row in rows)
        else:
            yield from _one_by_one(text, at)
    else:
        value, _ = DECODER.raw_decode(text, at)
        _cells(value, path.name, lambda: 1)


def _known(value: dict[str, Any], folder: Path) -> Iterator[dict[str, Any]] | None:
    """The rows of an object in a form of its own, SQuAD's, COCO's or ScienceQA's; None for others."""
    if is_squad(value.get("data")):
        return squad_rows(value["data"])
    if is_captions(value.get("images")):
        return caption_rows(value["images"], folder)
    return problem_rows(value, folder) if is_problems(value) else None


def _one_by_one(text: str, at: int) -> Iterator[tuple[Any, int]]:
    """Objects that stand one behind the other, with or without a comma between two."""
    while at < len(text):
        value, end = DECODER.raw_decode(text, at)
        yield value, at
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at : at + 1] == "," else at


def _items(text: str, at: int) -> Generator[tuple[Any, int], None, int]:
    """The items of a list that begins at a place; returns the place behind the list."""
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        value, end = DECODER.raw_decode(text, at)
        yield value, at
        at = _next(text, end, "]")
    return at + 1


def _inside(value: dict[str, Any], at: int, file: str) -> Iterator[tuple[Any, int]]:
    """The rows of an object: its list of objects, its splits, else its lists as columns, else the object itself.

    Raises:
        DataError: It holds several lists of rows that are no splits.
    """
    lists = {name: held for name, held in value.items() if _holds_rows(held) and not _is_conversation(name)}
    if len(lists) > 1 and all(name.strip().lower() in NAMES for name in lists):
        for name, rows in lists.items():
            yield from (({**row, "split": name}, at) for row in rows)
    elif len(lists) > 1:
        raise _several_lists(file, list(lists))
    elif lists:
        yield from ((row, at) for rows in lists.values() for row in rows)
    elif (columns := list(value.values())) and all(isinstance(column, list) for column in columns):
        if len({len(column) for column in columns}) == 1:
            columns = [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]
        yield from ((row, at) for row in (columns if isinstance(columns[0], dict) else [value]))
    elif columns:
        yield value, at


def _holds_rows(value: Any) -> bool:  # noqa: ANN401 - whatever stands in the file
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _several_lists(file: str, names: list[str]) -> DataError:
    known = ", ".join(names)
    return DataError(
        "several_lists",
        f"The file {file} holds several lists of rows ({known}), and no names of splits: save each as a file of its "
        "own, or name them train, validation and test.",
        file=file,
        known=known,
    )


def _next(text: str, at: int, end: str) -> int:
    """Where the next item or entry begins, or where the list or object ends."""
    at = _skip(text, at)
    if text[at : at + 1] == ",":
        return _skip(text, at + 1)
    if text[at : at + 1] != end:
        raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
    return at


def _is_conversation(name: str) -> bool:
    """A list of turns is one row's conversation, not a list of rows."""
    return name.lower() in ("messages", "conversations", "conversation", "turns")


def _cells(value: Any, file: str, line: Callable[[], int]) -> dict[str, Any]:  # noqa: ANN401 - whatever stands in the file
    """A row's cells: an object as it is, a bare text as the column "text"."""
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        return {"text": value}
    raise DataError(
        "bad_item",
        f"Line {line()} of {file} holds {json.dumps(value, ensure_ascii=False)[:40]} where a row is expected: write "
        'every row as an object, such as {"prompt": "…", "response": "…"}.',
        file=file,
        line=line(),
        value=json.dumps(value, ensure_ascii=False)[:40],
    )


def _skip(text: str, at: int) -> int:
    space = SPACE.match(text, at)
    assert space is not None
    return space.end()


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _bad_json(file: str, line: int, column: int, reason: str) -> DataError:
    return DataError(
        "bad_json",
        f"Line {line}, column {column} of {file} is not JSON ({reason}): correct it there.",
        file=file,
        line=line,
        column=column,
        reason=reason,
    )
