"""What a run would train on, as values: rows token by token, and counts over all of them. Needs no torch."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewRow:
    """One training row as the model sees it.

    Attributes:
        tokens: Readable text of each token, and whether it is labelled; empty for a picture.
        picture: Path of the row's picture, whose name is then the prompt; empty for text.
    """

    prompt: str
    response: str
    tokens: list[tuple[str, bool]]
    picture: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataPreview:
    """Preview of a run's training data.

    Attributes:
        rows: Its first training rows, in the run's template and truncated as in training.
        report: Counts over all rows, see `engine.data.report.DataReport`; of pictures, where its "kind" is "pictures",
            see `engine.data.picture_report.PictureReport`.
        name: Name of the file, the folder, or the hub dataset.
        summary: One sentence by language, where its description has one; else empty.
        asked: Names of the prompt's columns; none where there is a description.
        answered: Name of the response's column; empty likewise.
        labels: As in `DatasetInfo`.
        limit: Longest row in tokens; a model's own limit may be lower than the setting.
    """

    rows: list[PreviewRow]
    report: dict[str, Any]
    name: str
    summary: dict[str, str]
    asked: tuple[str, ...]
    answered: str
    labels: tuple[str, ...] | None
    limit: int
