"""Exact match and F1 of answers as SQuAD's official script computes them, with the no-answer threshold of SQuAD 2.0."""

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalised(answer: str) -> str:
    """An answer in small letters, without punctuation, without articles, with single spaces."""
    bare = "".join(sign for sign in answer.lower() if sign not in string.punctuation)
    return " ".join(ARTICLES.sub(" ", bare).split())


def exact(answer: str, references: Sequence[str]) -> bool:
    """Whether an answer is one of the references; without any, the empty answer is right."""
    return normalised(answer) in {normalised(reference) for reference in said(references)}


def f1(answer: str, references: Sequence[str]) -> float:
    """The best F1 of an answer's words with a reference's; without references, 1 for the empty answer."""
    return max(_f1(normalised(answer).split(), normalised(reference).split()) for reference in said(references))


def said(references: Sequence[str]) -> Sequence[str]:
    """References in which something is left when they are normalised; the empty one where there are none."""
    return [reference for reference in references if normalised(reference)] or [""]


def _f1(answer: Sequence[str], reference: Sequence[str]) -> float:
    if not answer or not reference:
        return float(answer == reference)
    shared = (Counter(answer) & Counter(reference)).total()
    return 2 * shared / (len(answer) + len(reference))


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanMetrics:
    """Means over questions.

    Attributes:
        exact_match: Share of answers that equal a reference, as the official script compares them.
        f1: Mean F1 of their words.
        rows: Number of questions.
    """

    exact_match: float
    f1: float
    rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkedAnswer:
    """How the answer to one question was marked in its text.

    Attributes:
        id: Name of the question in its file; empty without one.
        references: All answers that count as right; none where the text does not say.
        best: The best answer, also where "the text does not say" scores better.
        start: Where it begins in the text, in characters; None without one.
        end: Where it ends.
        doubt: By how much "the text does not say" scores better than it.
        f1: F1 of the answer that was given.
    """

    id: str
    references: list[str]
    best: str
    start: int | None
    end: int | None
    doubt: float
    f1: float


def span_metrics(answers: Sequence[str], references: Sequence[Sequence[str]]) -> SpanMetrics | None:
    """Compare answers with their references; None where there are none."""
    if not answers:
        return None
    pairs = list(zip(answers, references, strict=True))
    return SpanMetrics(
        exact_match=round(sum(exact(*pair) for pair in pairs) / len(pairs), 4),
        f1=round(sum(f1(*pair) for pair in pairs) / len(pairs), 4),
        rows=len(pairs),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """From which doubt on it is best to answer nothing.

    Attributes:
        doubt: Questions with a greater one are not answered.
        score: Mean score with it.
    """

    doubt: float
    score: float


def best_threshold(doubts: Sequence[float], scores: Sequence[float], answerable: Sequence[bool]) -> Threshold:
    """The threshold with the best mean score, as the official script finds it; the lowest of equal ones.

    Args:
        doubts: Of each question, how much speaks for "no answer".
        scores: Of each best answer, its exact match or F1.
        answerable: Whether the text holds the answer.
    """
    questions = sorted(zip(doubts, scores, answerable, strict=True), key=lambda one: one[0])
    present = best = float(len(doubts) - sum(answerable))
    answered = 0
    for number, (_, score, has_answer) in enumerate(questions, 1):
        present += score if has_answer else (-1.0 if score < 1.0 else 0.0)
        if present > best:
            best, answered = present, number
    return Threshold(doubt=_between(sorted(doubts), answered), score=round(best / max(1, len(doubts)), 4))


def _between(doubts: Sequence[float], answered: int) -> float:
    """A threshold that answers so many questions: halfway to the next, so that others like them are on their side."""
    if not doubts:
        return 0.0
    below = doubts[answered - 1] if answered else doubts[0] - 2.0
    above = doubts[answered] if answered < len(doubts) else doubts[-1] + 2.0
    return round((below + above) / 2, 4)
