"""JSON and JSON lines, one object at a time: a long list is never held as Python objects, errors name their place."""

import json
import re
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from engine.core.errors import DataError
from engine.data.readers.encodings import encoding_of
from engine.data.table import Table, TableMaker

SPACE = re.compile(r"[ \t\r\n]*")
DECODER = json.JSONDecoder()


def read_json(path: Path, limit: int, encoding: str = "") -> Table:
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
        for value, place in _rows(text, path.name):
            if maker.full:
                maker.cut = True
                break
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
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return True
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return False
    return second.lstrip().startswith("{")


def _read_lines(path: Path, encoding: str, limit: int) -> Table:
    maker = TableMaker(path.name, limit)
    with path.open(encoding=encoding) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            if maker.full:
                maker.cut = True
                break
            try:
                value = json.loads(line)
            except json.JSONDecodeError as error:
                raise _bad_json(path.name, number, error.colno, error.msg) from error
            except (ValueError, RecursionError) as error:
                raise _bad_json(path.name, number, 1, str(error)) from error
            line_number = partial(int, number)
            maker.add(_cells(value, path.name, line_number), line_number)
    return maker.table(encoding=encoding)


def _rows(text: str, file: str) -> Iterator[tuple[Any, int]]:
    """Every row with the place where it begins."""
    at = _skip(text, 0)
    if at == len(text):
        return
    if text[at] == "[":
        end = _skip(text, (yield from _items(text, at)))
        if end < len(text):
            raise json.JSONDecodeError("Extra data", text, end)
    elif text[at] == "{":
        yield from _inside(text, at)
    else:
        value, _ = DECODER.raw_decode(text, at)
        _cells(value, file, lambda: 1)


def _items(text: str, at: int) -> Generator[tuple[Any, int], None, int]:
    """The items of a list that begins at a place; returns the place behind the list."""
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        value, end = DECODER.raw_decode(text, at)
        yield value, at
        at = _next(text, end, "]")
    return at + 1


def _inside(text: str, at: int) -> Iterator[tuple[Any, int]]:
    """The rows of an object: its first list of objects, else its lists as columns, else the object itself."""
    start, entries = at, {}
    at = _skip(text, at + 1)
    while text[at : at + 1] != "}":
        name, at = _name(text, at)
        if re.match(r"\[[ \t\r\n]*\{", text[at : at + 100]) and not _is_conversation(name):
            yield from _items(text, at)
            return
        entries[name], at = DECODER.raw_decode(text, at)
        at = _next(text, at, "}")
    columns = list(entries.values())
    if columns and all(isinstance(column, list) for column in columns) and len({len(c) for c in columns}) == 1:
        for cells in zip(*columns, strict=True):
            yield dict(zip(entries, cells, strict=True)), start
    elif columns:
        yield entries, start


def _name(text: str, at: int) -> tuple[str, int]:
    """The name of an entry, and where its value begins."""
    if text[at : at + 1] != '"':
        raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
    name, at = DECODER.raw_decode(text, at)
    at = _skip(text, at)
    if text[at : at + 1] != ":":
        raise json.JSONDecodeError("Expecting ':' delimiter", text, at)
    return name, _skip(text, at + 1)


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
