"""Output of the command line: messages on stderr, results on stdout as text, or as one line of JSON for programs."""

import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any


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
    """Rows as aligned columns."""
    if not rows:
        return "(nothing yet)"
    import pandas as pd

    return pd.DataFrame(rows).to_string(index=False, max_colwidth=60)
