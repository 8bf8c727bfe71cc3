"""What the responses of a column are: labels to choose from, numbers, or free text."""

import re
from collections.abc import Mapping, Sequence

from engine.core.errors import DataError
from engine.data.columns import Columns
from engine.data.settings import DataSettings
from engine.data.table import Table

MOST_LABELS = 200
"""More different responses than that are no labels, unless the user says so."""

LONGEST_LABEL = 100
FEW_LABELS = 20
"""Up to so many different whole numbers are labels; more may be classes or a quantity."""

HIDDEN = "-1"
"""What files of the hub hold where a label is kept secret, or nobody agreed on one."""

QUANTITIES = ("score", "similarity_score", "rating", "stars", "quality", "price", "age", "count", "value", "target")
"""Names of columns whose whole numbers are a quantity where there are many of them."""


def responses_of(tables: Sequence[Table], columns: Columns, *, named: bool = False) -> list[str]:
    """The different responses of all splits, hidden and empty ones left out.

    Args:
        tables: Of all splits, that for training first.
        columns: What each column is for.
        named: Whether ids have names, of which -1 has none.
    """
    held = [table.values(columns.response) if columns.response in table.columns else [] for table in tables]
    responses = dict.fromkeys(text for texts in held for text in texts)
    whole = all(re.fullmatch(r"-?\d+", text) for text in responses)
    if HIDDEN in responses and whole and (named or HIDDEN not in held[0]):
        del responses[HIDDEN]
    return list(responses)


def kind_of(tables: Sequence[Table], columns: Columns, settings: DataSettings) -> tuple[str, list[str]]:
    """What they are, "labels", "numbers" or "free", and the labels in order.

    Raises:
        DataError: They are not what the settings say.
    """
    if columns.kind != "labels":
        return "free", []
    named = bool(settings.label_names.strip() or tables[0].label_names.get(columns.response))
    responses, wanted = responses_of(tables, columns, named=named), settings.responses
    if columns.response in tables[0].several:
        return _of_several(tables[0], columns.response, wanted)
    if wanted == "numbers":
        return _numbers(tables[0], columns.response, responses)
    whole = all(map(_is_id, responses))
    classes = whole and (named or _are_classes(responses, tables, columns))
    if wanted == "guess" and responses and all(map(_is_number, responses)) and not classes:
        return "numbers", []
    likely = len(responses) <= MOST_LABELS and all(len(text) <= LONGEST_LABEL for text in responses)
    if len({_plain(text) for text in responses}) < 2 or (wanted == "guess" and not likely):
        if wanted == "labels":
            raise DataError(
                "one_label",
                f"The column {columns.response!r} of {tables[0].name} holds fewer than two different labels, so there "
                "is nothing to choose: name another column, or set the data setting responses to 'free'.",
                file=tables[0].name,
                column=columns.response,
            )
        return "free", []
    return "labels", sorted(responses, key=lambda text: (0, float(text), "") if whole else (1, 0, _plain(text)))


def _of_several(table: Table, column: str, wanted: str) -> tuple[str, list[str]]:
    if wanted in ("labels", "numbers"):
        raise DataError(
            "several_labels",
            f"Rows of {table.name} have several labels each in the column {column!r}, and a head chooses one: set the "
            "data setting responses to 'free', which learns all of them as a text.",
            file=table.name,
            column=column,
        )
    return "free", []


def _numbers(table: Table, column: str, responses: Sequence[str]) -> tuple[str, list[str]]:
    odd = next((text for text in responses if not _is_number(text)), "")
    if odd or not responses:
        raise DataError(
            "no_number",
            f"The column {column!r} of {table.name} holds {odd!r}, which is no number: set the data setting responses "
            "to 'labels' or 'free'.",
            file=table.name,
            column=column,
            value=odd,
        )
    return "numbers", []


def _are_classes(responses: Sequence[str], tables: Sequence[Table], columns: Columns) -> bool:
    """Whether whole numbers are ids of classes: few, or all from the first to the last, and each several times."""
    ids = sorted({int(float(text)) for text in responses})
    if len(ids) <= FEW_LABELS:
        return True
    close = ids[0] in (0, 1) and ids[-1] - ids[0] < 1.1 * len(ids)
    rows = sum(map(len, tables))
    name = re.sub(r"\W+", "_", columns.response.strip().lower())
    return close and name not in QUANTITIES and len(ids) <= MOST_LABELS and rows >= 4 * len(ids)


def doubt(labels: Mapping[str, str], table: Table, columns: Columns, settings: DataSettings) -> str:
    """What else many whole numbers could be, "labels" or "numbers"; empty where there is no doubt.

    Args:
        labels: The labels' names; empty where responses are numbers.
        table: The rows for training.
        columns: What each column is for.
        settings: What the user said.
    """
    if settings.responses != "guess" or columns.response in table.label_names or columns.kind != "labels":
        return ""
    responses = table.values(columns.response)
    if len(responses) <= FEW_LABELS or not all(_is_id(text) for text in responses):
        return ""
    return "numbers" if labels else "labels"


def _plain(label: str) -> str:
    """One spelling of a label: 1.0 is 1, and True is true."""
    if _is_id(label):
        return str(int(float(label)))
    return label.lower() if label.lower() in ("true", "false") else label


def names_of(labels: Sequence[str], table: Table, columns: Columns, settings: DataSettings) -> dict[str, str]:
    """The name of every label: that of the settings or of the file for ids, else the label itself.

    Raises:
        DataError: The settings name too few or the same twice.
    """
    names = [name.strip() for name in settings.label_names.split(",") if name.strip()]
    names = names or list(table.label_names.get(columns.response, ()))
    if not names:
        twice = len({_plain(label) for label in labels}) < len(labels)
        return {label: _plain(label) if twice else label for label in labels}
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
