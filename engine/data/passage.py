"""A text in which a question's answer stands, with the places of its answers: SQuAD's form of a row. Needs no torch."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.core.plain_json import loads
from engine.data.texts import text_of

LONGEST_NOTHING = 80
"""Characters of a cell that may say that there is no answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that stands in a text word for word.

    Attributes:
        text: The answer.
        start: Index of its first character in the text.
    """

    text: str
    start: int

    @property
    def end(self) -> int:
        """Index behind its last character."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Passage:
    """A question and the text that it is about.

    Attributes:
        question: What is asked.
        context: The text.
        answers: All that count as right, the one to learn first; none where the text does not say.
        id: Name of the question in its file; empty without one.
    """

    question: str
    context: str
    answers: tuple[Answer, ...]
    id: str = ""

    @classmethod
    def of(cls, question: str, context: str, cell: Any, name: str = "") -> "Passage | None":  # noqa: ANN401 - any JSON value
        """The passage of a row; None where nothing is asked, or its answer does not stand in the text.

        Args:
            question: What is asked.
            context: The text.
            cell: What stands in the column of answers, in SQuAD's form or as a plain text. In SQuAD's form no answer
                says that the text has none; an empty plain text says nothing.
            name: Name of the question.
        """
        told = alternatives(cell)
        if told is None:
            text = text_of(cell).strip()
            told = [(text, None)] if text else None
        if told is None or not question.strip() or not context.strip():
            return None
        found = [found for text, start in told if (found := located(context, text, start)) is not None]
        return cls(question, context, tuple(found), name) if found or not told else None


def alternatives(cell: Any) -> list[tuple[str, int | None]] | None:  # noqa: ANN401 - any JSON value
    """Answers in SQuAD's form, each with the place that is said of it: a list of objects, or an object of two lists.

    Returns:
        None where the cell is of another form.
    """
    if isinstance(cell, dict) and isinstance(texts := cell.get("text"), list):
        starts = cell.get("answer_start")
        starts = starts if isinstance(starts, list) and len(starts) == len(texts) else [None] * len(texts)
        return [(text_of(text), _place(start)) for text, start in zip(texts, starts, strict=True)]
    if isinstance(cell, list) and all(isinstance(one, dict) and "text" in one for one in cell):
        return [(text_of(one["text"]), _place(one.get("answer_start"))) for one in cell]
    return None


def says_nothing(cell: str) -> bool:
    """Whether a cell, as JSON, is SQuAD's way to say that a text holds no answer."""
    if len(cell) > LONGEST_NOTHING or cell[:1] not in ("[", "{"):
        return False
    try:
        return alternatives(loads(cell)) == []
    except ValueError:
        return False


def _place(start: Any) -> int | None:  # noqa: ANN401 - any JSON value
    return start if isinstance(start, int) and start >= 0 else None


def located(context: str, text: str, start: int | None = None) -> Answer | None:
    """An answer where it stands in a text: at the place that is said, else at the nearest; without one at the first.

    Space around it does not count. Whole words come before parts of words, the same letters before others of the same
    word, so that "The sun" is found in "the sun".
    """
    text = text.strip()
    if not text:
        return None
    if start is not None and context.startswith(text, start):
        return Answer(text, start)
    for pattern, flags in _spellings(text):
        places = [match.start() for match in re.finditer(pattern, context, flags)]
        if places:
            at = min(places, key=lambda place: abs(place - (start or 0)))
            found = re.compile(pattern, flags).match(context, at)
            assert found is not None
            return Answer(found.group(), at)
    return None


def _spellings(text: str) -> Sequence[tuple[str, re.RegexFlag]]:
    exact = re.escape(text)
    whole = rf"(?<!\w){exact}(?!\w)"
    return (whole, re.NOFLAG), (exact, re.NOFLAG), (whole, re.IGNORECASE)
