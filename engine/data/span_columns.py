"""Whether the answers of a table stand in its texts, to be marked there: in SQuAD's form, or as settings say."""

from engine.core.errors import DataError
from engine.data.columns import Columns
from engine.data.passage import alternatives
from engine.data.settings import DataSettings
from engine.data.table import Table

SAMPLED_ROWS = 200
"""Rows that are looked at."""


def holds_spans(table: Table, columns: Columns, settings: DataSettings) -> bool:
    """Whether answers are spans of what the question is about.

    Raises:
        DataError: They are said to be, and no column holds the texts.
    """
    if settings.responses == "spans" and not columns.input:
        known = ", ".join(table.columns)
        raise DataError(
            "no_context",
            f"responses is 'spans', but no column of {table.name} is named as that of the texts in which the answers "
            f"stand: set the data setting input to one of {known}.",
            file=table.name,
            known=known,
        )
    if settings.responses == "spans":
        return True
    if settings.responses != "guess" or not columns.input or columns.response not in table.nested:
        return False
    cells = (table.value(row, columns.response) for row in range(min(len(table), SAMPLED_ROWS)))
    told = [start is not None for cell in cells if cell for _, start in alternatives(cell) or ()]
    return 2 * sum(told) > len(told)
