"""What a run would train on, as values: rows token by token, and counts over all of them. Needs no torch."""

from dataclasses import asdict, dataclass
from typing import Any

PROVEN = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "ascii")
"""Encodings that a file's own bytes prove."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewRow:
    """One training row as the model sees it.

    Attributes:
        tokens: Readable text of each token, and whether it is labelled; tokens that spell one character stand as
            one. Empty where the model reads pictures.
        picture: Path of the row's picture, empty without one. Where the model reads pictures, its name is the prompt.
    """

    prompt: str
    response: str
    tokens: list[tuple[str, bool]]
    picture: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TextCounts:
    """Counts over the texts of all rows.

    Attributes:
        empty: Training rows without a question (where others have one) or without an answer.
        duplicates: Training rows that equal an earlier one; spaces do not count.
        leaking: Rows of the other splits that ask what a training row asks.
    """

    empty: int
    duplicates: int
    leaking: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenCounts:
    """Counts over the tokens of training rows.

    Attributes:
        measured: Rows that were encoded.
        truncated: Rows longer than the limit: prompts lose their beginning.
        overlong: Rows whose answer alone is longer than the limit, and loses its end.
        unknown: Rows with signs that the tokenizer does not know.
        spelled: Rows most of whose signs take several tokens each: the tokenizer does not know their script.
        special: Rows whose text spells a token with a meaning, such as </s>, which the tokenizer takes for that.
        labelled: Tokens that carry a label; none where a task head answers.
        masked: Tokens that carry none.
        longest: Tokens of the longest row before it is cut.
        median: Tokens of the row in the middle.
        lengths: (most tokens, rows) of each bar of a histogram of lengths before the cut.
        windows: Windows in which the rows are read, where a head marks answers in texts; 0 where nothing is.
    """

    measured: int
    truncated: int
    overlong: int
    unknown: int
    spelled: int
    special: int
    labelled: int
    masked: int
    longest: int
    median: int
    lengths: list[tuple[int, int]]
    windows: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class DataReport:
    """Everything worth knowing of a dataset before a run.

    Attributes:
        rows: Rows by split.
        dropped: Rows of the file that nothing could be made of.
        repeated: Rows that are left out so that nothing is trained on that is validated or scored on.
        cut: Whether the file has more rows than the limit.
        encoding: What the file is encoded in; empty where that is no question.
        unread: How often something of a conversation is not read, by its role or kind, such as "image_url".
        doubt: What many whole numbers could be instead of what they are taken for: "labels", "numbers", or nothing.
        pictures: Training rows that are about a picture; None where no column holds any.
        several: Training rows whose picture's file holds more, as an animation does, of which only the first is read.
        texts: Counts over all rows.
        tokens: Counts over encoded rows.
    """

    rows: dict[str, int]
    dropped: int
    repeated: int
    cut: bool
    encoding: str
    unread: dict[str, int]
    doubt: str
    pictures: int | None
    several: int
    texts: TextCounts
    tokens: TokenCounts

    @property
    def encoding_guessed(self) -> bool:
        """Whether a person should check the encoding: an old one of one language is never proven by a file's bytes."""
        return self.encoding not in ("", *PROVEN)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureReport:
    """Everything worth knowing of pictures before a run.

    Attributes:
        rows: Pictures by split.
        labels: Training pictures of each label; empty where they have numbers.
        unreadable: Files left out, by why: "no_picture", "broken", "huge", "missing" or "outside".
        left_out: Names of some of them, and why.
        dropped: Pictures that have no label.
        repeated: Pictures left out so that nothing is trained on that is validated or scored on.
        duplicates: Training pictures whose file equals an earlier one's.
        leaking: Pictures of the other splits whose file is also trained on.
        several: Training pictures whose file holds more, as an animation does, of which only the first is read.
        cut: Whether there are more than the limit.
        smallest: Width and height of the smallest training picture.
        median: Of the one in the middle, by area.
        largest: Of the largest.
    """

    rows: dict[str, int]
    labels: dict[str, int]
    unreadable: dict[str, int]
    left_out: list[tuple[str, str]]
    dropped: int
    repeated: int
    duplicates: int
    leaking: int
    several: int
    cut: bool
    smallest: tuple[int, int]
    median: tuple[int, int]
    largest: tuple[int, int]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"kind": "pictures", **asdict(self)}


@dataclass(frozen=True, kw_only=True, slots=True)
class DataPreview:
    """Preview of a run's training data.

    Attributes:
        rows: Its first training rows, in the run's template and truncated as in training.
        report: Counts over all rows.
        name: Name of the file, the folder, or the hub dataset.
        summary: One sentence by language, where its description has one; else empty.
        asked: Names of the prompt's columns; none where there is a description.
        answered: Name of the response's column; empty likewise.
        labels: As in `DatasetInfo`.
        marked: Whether a head marks the answers in texts.
        limit: Longest row in tokens; a model's own limit may be lower than the setting.
    """

    rows: list[PreviewRow]
    report: DataReport | PictureReport
    name: str
    summary: dict[str, str]
    asked: tuple[str, ...]
    answered: str
    labels: tuple[str, ...] | None
    limit: int
    marked: bool = False
