"""Scores of a run whose head marks answers in texts, as SQuAD's official script computes them.

The untuned base has no head. The tuned model is compared with what needs no model: "no answer" where some texts do not
hold the answer, else the sentence that shares most words with the question.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.core.parts import InParts, Parts
from engine.data.batching import collator_of
from engine.data.dataset import Dataset, Row
from engine.data.passage import Answer, Passage
from engine.data.task import check_modality
from engine.data.windows import Windows
from engine.evaluation.base_ability import ability_loss
from engine.evaluation.span_metrics import (
    MarkedAnswer,
    SpanMetrics,
    best_threshold,
    exact,
    f1,
    normalised,
    span_metrics,
)
from engine.evaluation.text import Prediction
from engine.inference.spans import SpanPrediction, predict_spans
from engine.methods.attach import attached_view
from engine.methods.base import Method
from engine.models.base import Base

SENTENCE = re.compile(r"(?<=[.!?。！？])\s*")
"""Where a sentence ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NoAnswerScores:
    """Scores with other thresholds of doubt than 0, above which the text is said not to hold the answer.

    Attributes:
        threshold: The one with the best F1 on the run's validation rows.
        exact_match: On the test rows, with that threshold.
        f1: Likewise.
        best_exact_match: With the threshold that is best on the test rows themselves, as the official script says it.
        best_exact_match_threshold: That threshold.
        best_f1: Likewise for F1.
        best_f1_threshold: That threshold.
    """

    threshold: float
    exact_match: float
    f1: float
    best_exact_match: float
    best_exact_match_threshold: float
    best_f1: float
    best_f1_threshold: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanScores:
    """What `python -m engine eval` reports of a run that marks answers in texts.

    Attributes:
        exact_match: Share of right answers; a text is said not to hold the answer where that scores better.
        f1: Mean F1 of the answers' words.
        base_exact_match: Share that needs no model, see the top of the file.
        base_f1: Its F1.
        answered: The scores of questions whose text holds the answer; None without one.
        unanswered: The scores of the others; None without one.
        no_answer: Scores with other thresholds; None where all texts hold the answer.
        test_loss: Nats per end of an answer, two per test row.
        base_ability_loss: Loss on held-out plain text; None where it cannot be measured.
        base_ability_loss_before: The same for the untuned base.
        rows: Number of test rows.
    """

    exact_match: float
    f1: float
    base_exact_match: float
    base_f1: float
    answered: SpanMetrics | None
    unanswered: SpanMetrics | None
    no_answer: NoAnswerScores | None
    test_loss: float
    base_ability_loss: float | None
    base_ability_loss_before: float | None
    rows: int


def likely_sentence(passage: Passage) -> str:
    """The sentence of a text that shares most words with the question, the first of equal ones."""
    asked = set(normalised(passage.question).split())
    sentences = [sentence for sentence in SENTENCE.split(passage.context) if sentence.strip()]
    return max(sentences, key=lambda sentence: len(asked & set(normalised(sentence).split())))


@InParts
def span_predictions(base: Base, method: Method, dataset: Dataset, rows: Sequence[Row]) -> Parts[list[Prediction]]:
    """The answers that a head marks in the texts of rows, beside what needs no model."""
    assert method.head is not None
    assert method.head.spec.span is not None
    check_modality(base.shape.family, dataset, base.name)
    view, spec = attached_view(base, method), method.head.spec
    windows = Windows(base.tokenizer, dataset.in_template(method.template), rows, view.max_text_tokens, spec)
    told = yield from predict_spans.parts(view, method.head, windows, collator_of(base))
    predictions = []
    for row, passage, prediction in zip(rows, windows.passages, told, strict=True):
        tuned, references = _text(prediction.answer()), [answer.text for answer in passage.answers]
        best = prediction.answers[0][0] if prediction.answers else None
        predictions.append(
            Prediction(
                prompt=row.prompt,
                reference=row.response,
                base="" if method.head.spec.span.abstains else likely_sentence(passage),
                tuned=tuned,
                right=exact(tuned, references),
                loss=round(prediction.loss, 6),
                marked=MarkedAnswer(
                    id=passage.id,
                    references=references,
                    best=best.text if best else "",
                    start=best.start if best else None,
                    end=best.end if best else None,
                    doubt=round(prediction.doubt, 4) if best else 0.0,
                    f1=round(f1(tuned, references), 4),
                ),
            )
        )
    return predictions


def mean_f1(predictions: Sequence[SpanPrediction], passages: Sequence[Passage]) -> float:
    """F1 of the answers' words, mean of the questions."""
    pairs = zip(predictions, passages, strict=True)
    scores = [f1(_text(told.answer()), [answer.text for answer in passage.answers]) for told, passage in pairs]
    return round(sum(scores) / len(scores), 4)


def _text(answer: Answer | None) -> str:
    return answer.text if answer else ""


def span_scores(base: Base, method: Method, dataset: Dataset, predictions: Sequence[Prediction]) -> SpanScores:
    """All scores of a run that marks answers in texts."""
    assert method.head is not None
    assert method.head.spec.span is not None
    marks = [p.marked for p in predictions if p.marked is not None]
    references = [mark.references for mark in marks]
    tuned = span_metrics([p.tuned for p in predictions], references)
    constant = span_metrics([p.base for p in predictions], references)
    assert tuned is not None
    assert constant is not None
    return SpanScores(
        exact_match=tuned.exact_match,
        f1=tuned.f1,
        base_exact_match=constant.exact_match,
        base_f1=constant.f1,
        answered=_of_those(predictions, answerable=True),
        unanswered=_of_those(predictions, answerable=False),
        no_answer=_no_answer(base, method, dataset, marks) if method.head.spec.span.abstains else None,
        test_loss=round(sum(p.loss for p in predictions) / len(predictions), 4),
        base_ability_loss=ability_loss(base, method),
        base_ability_loss_before=ability_loss(base, None),
        rows=len(predictions),
    )


def _of_those(predictions: Sequence[Prediction], *, answerable: bool) -> SpanMetrics | None:
    some = [(p.tuned, p.marked.references) for p in predictions if p.marked and bool(p.marked.references) == answerable]
    return span_metrics([answer for answer, _ in some], [references for _, references in some])


def _no_answer(base: Base, method: Method, dataset: Dataset, marks: Sequence[MarkedAnswer]) -> NoAnswerScores:
    """Scores of test rows with the threshold that suits the validation rows, and with the best ones there are."""
    validated = span_predictions(base, method, dataset, dataset.rows("validation"))
    _, threshold = _best(f1, [p.marked for p in validated if p.marked is not None])
    answers = ["" if mark.doubt > threshold else mark.best for mark in marks]
    chosen = span_metrics(answers, [mark.references for mark in marks])
    assert chosen is not None
    (exact_match, exact_threshold), (best_f1, f1_threshold) = (_best(metric, marks) for metric in (exact, f1))
    return NoAnswerScores(
        threshold=threshold,
        exact_match=chosen.exact_match,
        f1=chosen.f1,
        best_exact_match=exact_match,
        best_exact_match_threshold=exact_threshold,
        best_f1=best_f1,
        best_f1_threshold=f1_threshold,
    )


def _best(metric: Callable[[str, Sequence[str]], float], marks: Sequence[MarkedAnswer]) -> tuple[float, float]:
    """The best score there is, and its threshold."""
    scores = [float(metric(mark.best, mark.references)) for mark in marks]
    best = best_threshold([mark.doubt for mark in marks], scores, [bool(mark.references) for mark in marks])
    return best.score, best.doubt
