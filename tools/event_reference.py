"""docs/reference/events.md, from the event classes' docstrings: `python -m tools.event_reference` writes it."""

import dataclasses
import inspect
import re
from pathlib import Path

from engine.core.atomic import write_text
from engine.telemetry.events import Event
from engine.telemetry.serialise import EVENTS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "events.md"
HEAD = """# Events

One line of a run's `events.jsonl` each, with its `kind` and its `step` (finished updates) beside the fields below. This
page is generated: edit `engine/telemetry`, then run `python -m tools.event_reference`.
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_section(EVENTS[kind]) for kind in sorted(EVENTS))


def _section(event: type[Event]) -> str:
    text = inspect.cleandoc(event.__doc__ or "")
    summary, _, attributes = text.partition("Attributes:")
    said = dict(re.findall(r"^    (\w+): (.+?)(?=^    \w+: |\Z)", attributes, re.M | re.S))
    rows = "".join(
        f"| `{field.name}` | `{_type(field.type)}` | {_cell(said.get(field.name, ''))} |\n"
        for field in dataclasses.fields(event)
        if field.name != "step"
    )
    table = f"\n| field | type | |\n|---|---|---|\n{rows}" if rows else ""
    return f"\n## {event.kind}\n\n{' '.join(summary.split())}\n{table}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _type(hint: object) -> str:
    name = hint.__name__ if isinstance(hint, type) and not getattr(hint, "__args__", None) else str(hint)
    return name.replace("|", "\\|")


if __name__ == "__main__":
    write_text(PAGE, page())
