"""What the responses of a column are: labels to choose from, numbers, or free text."""

import re
from collections.abc import Sequence

from engine.core.errors import DataError
from engine.data.columns import Columns
from engine.data.settings import DataSettings
from engine.data.table import Table

MOST_LABELS = 200
"""More different responses than that are no labels, unless the user says so."""

LONGEST_LABEL = 100
HIDDEN = "-1"
"""What test files of the hub hold where the label is kept secret."""


def responses_of(tables: Sequence[Table], columns: Columns) -> list[str]:
    """The different responses of all splits, hidden and empty ones left out."""
    responses = dict.fromkeys(
        text for table in tables if columns.response in table.columns for text in table.values(columns.response)
    )
    if HIDDEN in responses and all(re.fullmatch(r"-?\d+", text) for text in responses):
        del responses[HIDDEN]
    return list(responses)


def kind_of(tables: Sequence[Table], columns: Columns, settings: DataSettings) -> tuple[str, list[str]]:
    """What they are, "labels", "numbers" or "free", and the labels in order.

    Raises:
        DataError: They are not what the settings say.
    """
    if columns.kind != "labels":
        return "free", []
    responses, wanted = responses_of(tables, columns), settings.responses
    numeric = bool(responses) and all(_is_number(text) for text in responses)
    whole = numeric and all(_is_id(text) for text in responses)
    if wanted == "numbers":
        if not numeric:
            odd = next((text for text in responses if not _is_number(text)), "")
            raise DataError(
                "no_number",
                f"The column {columns.response!r} of {tables[0].name} holds {odd!r}, which is no number: set the data "
                "setting responses to 'labels' or 'free'.",
                file=tables[0].name,
                column=columns.response,
                value=odd,
            )
        return "numbers", []
    if wanted == "guess" and numeric and (not whole or len(responses) > 20):
        return "numbers", []
    likely = len(responses) <= MOST_LABELS and all(len(text) <= LONGEST_LABEL for text in responses)
    if len(responses) < 2 or (wanted == "guess" and not likely):
        if wanted == "labels":
            raise DataError(
                "one_label",
                f"The column {columns.response!r} of {tables[0].name} holds fewer than two different labels, so there "
                "is nothing to choose: name another column, or set the data setting responses to 'free'.",
                file=tables[0].name,
                column=columns.response,
            )
        return "free", []
    return "labels", sorted(responses, key=lambda text: (0, float(text), "") if whole else (1, 0, text))


def names_of(labels: Sequence[str], table: Table, columns: Columns, settings: DataSettings) -> dict[str, str]:
    """The name of every label: that of the settings or of the file for ids, else the label itself.

    Raises:
        DataError: The settings name too few or the same twice.
    """
    names = [name.strip() for name in settings.label_names.split(",") if name.strip()]
    names = names or list(table.label_names.get(columns.response, ()))
    if not names:
        return {label: label for label in labels}
    ids = [int(float(label)) if _is_id(label) else -1 for label in labels]
    if set(labels) <= set(names):
        return {label: label for label in labels}
    if min(ids) < 0 or max(ids) >= len(names) or len(set(names)) < len(names):
        known = ", ".join(labels)[:200]
        raise DataError(
            "label_names",
            f"label_names is {', '.join(names)!r}, but the labels of {table.name} are {known}: write a different name "
            "for each id from 0 on.",
            file=table.name,
            value=", ".join(names),
            known=known,
        )
    return {label: names[number] for label, number in zip(labels, ids, strict=True)}


def _is_id(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.0+)?", text) is not None  # tables with gaps make 1.0 of 1


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text) is not None
