"""ScienceQA's scores: the share of right letters, in all and in the groups of the papers' tables."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.data.dataset import Dataset
from engine.data.readers.science_qa import REQUIRED

LETTER = re.compile(r"\banswer is:?\s*\(?([A-Z])\b|^\s*\(?([A-Z])\b[).:]?(?:\s|$)")
"""Where a letter stands in an answer: as it is learned, else at its beginning."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScienceScores:
    """Accuracy by group, each None where no test row is in it.

    Attributes:
        average: Of all rows.
        natural: Of natural science.
        social: Of social science.
        language: Of language science.
        text: Of questions with a context in words.
        image: Of questions with a picture, whether it is shown or not.
        none: Of questions with neither.
        lower: Of grades 1 to 6.
        higher: Of grades 7 to 12.
        rows: Number of test rows.
    """

    average: float | None
    natural: float | None
    social: float | None
    language: float | None
    text: float | None
    image: float | None
    none: float | None
    lower: float | None
    higher: float | None
    rows: int


@dataclass(frozen=True, slots=True)
class _Problem:
    right: bool
    subject: str
    grade: int
    text: bool
    image: bool


def letter_in(answer: str) -> str:
    """The letter that an answer names; empty where it names none."""
    found = LETTER.search(answer)
    return "" if found is None else found.group(1) or found.group(2)


def science_scores(dataset: Dataset, answers: Sequence[str], references: Sequence[str]) -> ScienceScores | None:
    """Scores of answers to a dataset's test rows; None where they are not ScienceQA's."""
    table = dataset.source.tables.get("test") if dataset.source else None
    if table is None or not set(table.columns) >= REQUIRED or len(table) != len(answers):
        return None
    problems = [
        _Problem(
            right=letter_in(answer) == letter_in(reference) != "",
            subject=table.text(row, "subject").strip(),
            grade=int("".join(filter(str.isdecimal, table.text(row, "grade"))) or 0),
            text=bool(table.text(row, "hint").strip()),
            image="image" in table.columns and bool(table.text(row, "image").strip()),
        )
        for row, (answer, reference) in enumerate(zip(answers, references, strict=True))
    ]
    return ScienceScores(
        average=_share(problems),
        natural=_share([one for one in problems if one.subject == "natural science"]),
        social=_share([one for one in problems if one.subject == "social science"]),
        language=_share([one for one in problems if one.subject == "language science"]),
        text=_share([one for one in problems if one.text]),
        image=_share([one for one in problems if one.image]),
        none=_share([one for one in problems if not one.text and not one.image]),
        lower=_share([one for one in problems if 1 <= one.grade <= 6]),
        higher=_share([one for one in problems if 7 <= one.grade <= 12]),
        rows=len(problems),
    )


def _share(problems: Sequence[_Problem]) -> float | None:
    return round(sum(one.right for one in problems) / len(problems), 4) if problems else None
