"""What is known of a dataset before it is tokenised: one that ships, and a file that somebody brings."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetInfo:
    """A dataset that ships.

    Attributes:
        title: By language; the first is the fallback.
        summary: One sentence by language, likewise.
        metric: Metric of the test rows.
        splits: Number of rows of each split.
        chips: Three prompts that the chat suggests.
        labels: Labels of a task head; None where no head applies, empty where it predicts a number.
        suited: By method, its settings that suit the rows better than its defaults.
        steps: Updates that suit the rows; None for the usual number.
    """

    name: str
    title: dict[str, str]
    summary: dict[str, str]
    metric: str
    splits: dict[str, int]
    chips: list[str]
    labels: tuple[str, ...] | None
    suited: dict[str, dict[str, Any]] = field(default_factory=dict)
    steps: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """Contents of a file or a hub dataset, with the detected roles of its columns.

    Attributes:
        columns: Their names, with the beginning of their values in the first row; empty for a folder that has its
            description file.
        guess: Detected values of the data settings "prompt", "input", "response" and "messages"; empty where none is
            detected.
        sure: Whether the names of the columns determine their roles; else the user should check them.
        rows: Number of rows read.
        cut: Whether it has more rows than the limit.
        pictures: Whether it is a folder of pictures, which has no columns to choose.
    """

    columns: dict[str, str]
    guess: dict[str, str]
    sure: bool
    rows: int
    cut: bool
    pictures: bool = False
