"""Output of the command line: messages on stderr, results on stdout as text, or as one line of JSON for programs."""

import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

WIDEST = 60
"""Characters of a cell."""


def say(text: str = "") -> None:
    """Print a message on stderr, so that stdout has results only."""
    print(text, file=sys.stderr, flush=True)


def result(values: Any, *, as_json: bool, text: str | None = None) -> None:  # noqa: ANN401 - any JSON value
    """Print the result: JSON on the last line of stdout with `--json`, else the text (or the values)."""
    plain = dataclasses.asdict(values) if dataclasses.is_dataclass(values) and not isinstance(values, type) else values
    if as_json:
        print(json.dumps(plain, ensure_ascii=False), flush=True)
    elif text is not None:
        print(text, flush=True)
    else:
        lines = dict(_flat(plain))
        width = max(map(len, lines))
        print("\n".join(f"{name:>{width}}  {value}" for name, value in lines.items()), flush=True)


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with its name, nested ones with both names; None is left out."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name} ")
        elif value is not None:
            yield prefix + name, value


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as aligned columns, numbers on the right."""
    if not rows:
        return "(nothing yet)"
    from tabulate import tabulate

    names = list(dict.fromkeys(name for row in rows for name in row))
    numbers = {name: all(isinstance(row.get(name), int | float | None) for row in rows) for name in names}
    texts = [[_cell(row.get(name)) for name in names] for row in rows]
    sides = ["right" if numbers[name] else "left" for name in names]
    return tabulate(texts, names, "plain", disable_numparse=True, colalign=sides, preserve_whitespace=True)


def _cell(value: object) -> str:
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
