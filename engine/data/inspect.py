"""What is in data before a model reads it: its columns, and what they are taken for unless settings say otherwise."""

from pathlib import Path

from engine.core.confine import named_path
from engine.data.columns import guess
from engine.data.info import Inspection
from engine.data.readers.dispatch import is_source, read_tables
from engine.data.readers.hub_name import HUB
from engine.data.settings import DataSettings
from engine.data.table import Table

MAX_SHOWN = 80
"""Characters of a cell that are shown."""

MAPPED = ("prompt", "input", "response", "messages")


def inspect_data(name: str, settings: DataSettings) -> Inspection:
    """The columns of a dataset, and what they would be taken for.

    Raises:
        DataError: They cannot be read.
    """
    if not name.startswith(HUB):
        named_path(name)
    if not is_source(name) and (Path(name).expanduser() / "dataset.json").is_file():
        return Inspection(columns={}, guess=dict.fromkeys(MAPPED, ""), sure=True, rows=0, cut=False)
    tables = read_tables(name, settings)
    table = tables["train"]
    if table.gallery is not None:
        rows, cut = sum(map(len, tables.values())), any(each.cut for each in tables.values())
        return Inspection(columns={}, guess=dict.fromkeys(MAPPED, ""), sure=True, rows=rows, cut=cut, pictures=True)
    columns = guess(table)
    return Inspection(
        columns={column: _shown(table, column) for column in table.columns},
        guess={
            "prompt": ", ".join(columns.prompt) if columns else "",
            "input": columns.input if columns else "",
            "response": columns.response if columns else "",
            "messages": columns.messages if columns else "",
        },
        sure=columns is not None and columns.sure,
        rows=len(table),
        cut=table.cut,
    )


def _shown(table: Table, column: str) -> str:
    """The beginning of the first cell in which something stands."""
    cells = table.data.column(column).slice(0, 100).to_pylist()
    text = " ".join(next((cell for cell in cells if cell and cell.strip()), "").split())
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
