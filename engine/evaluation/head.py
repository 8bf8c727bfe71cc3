"""Scores of a run with a task head, on the test rows.

The untuned base has no head. The tuned model is therefore compared with a constant baseline: the most frequent label of
the training rows (with the label frequencies as probabilities), or the mean of their numbers.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from engine.core.parts import InParts, Parts
from engine.data.batching import collator_of
from engine.data.dataset import Dataset, Row
from engine.data.encode import encode_for
from engine.data.head_spec import HeadSpec
from engine.data.task import check_modality
from engine.data.tokenise import Example
from engine.evaluation.base_ability import ability_loss
from engine.evaluation.label_metrics import label_metrics, number_metrics
from engine.evaluation.spans import SpanScores, span_predictions, span_scores
from engine.evaluation.text import Prediction, fraction
from engine.inference.classify import HeadPrediction, head_logits
from engine.methods.attach import attached_view
from engine.methods.base import Method
from engine.models.base import Base


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelScores:
    """What `python -m engine eval` reports of a run that predicts labels.

    Attributes:
        accuracy: Share of right labels.
        base_accuracy: The same for always answering `base_answer`.
        base_answer: The most frequent label of the training rows; the base itself has no head.
        f1: Mean over the labels of their F1 ("macro").
        matthews: Matthews' correlation: 1 is right, 0 no better than chance.
        f1_by_label: F1 of each label.
        test_loss: Nats per test row.
        base_test_loss: The same for the labels' frequencies in the training rows.
        base_ability_loss: Loss on held-out plain text; None where it cannot be measured.
        base_ability_loss_before: The same for the untuned base.
        rows: Number of test rows.
    """

    accuracy: float
    base_accuracy: float
    base_answer: str
    f1: float
    matthews: float
    f1_by_label: dict[str, float]
    test_loss: float
    base_test_loss: float
    base_ability_loss: float | None
    base_ability_loss_before: float | None
    rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberScores:
    """What `python -m engine eval` reports of a run that predicts numbers.

    Attributes:
        pearson: Pearson's correlation; 0 where all predictions are equal, None for a single row.
        spearman: Spearman's rank correlation, likewise.
        squared_error: Mean squared error.
        base_answer: The mean of the training rows; the base itself has no head.
        base_squared_error: Mean squared error of always answering `base_answer`.
        base_ability_loss: Loss on held-out plain text; None where it cannot be measured.
        base_ability_loss_before: The same for the untuned base.
        rows: Number of test rows.
    """

    pearson: float | None
    spearman: float | None
    squared_error: float
    base_answer: float
    base_squared_error: float
    base_ability_loss: float | None
    base_ability_loss_before: float | None
    rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ConstantBaseline:
    """The best constant prediction: what a head's base column shows.

    Attributes:
        answer: The most frequent label, or the mean.
        shares: Frequency of every label in the training rows.
    """

    answer: str
    shares: dict[str, float]

    def loss(self, spec: HeadSpec, reference: str) -> float:
        """Nats of a reference, or the squared error."""
        if not spec.labels:
            return (float(self.answer) - float(reference)) ** 2
        return -math.log(self.shares[reference])


def constant_baseline(spec: HeadSpec, rows: Sequence[Row]) -> ConstantBaseline:
    """The best constant prediction for rows like these; a label that does not occur counts as one row."""
    if not spec.labels:
        return ConstantBaseline(answer=f"{sum(float(row.response) for row in rows) / len(rows):.6g}", shares={})
    counts = Counter(row.response.strip() for row in rows)
    smoothed = {label: max(1, counts[label]) for label in spec.labels}
    total = sum(smoothed.values())
    return ConstantBaseline(
        answer=max(smoothed, key=lambda label: smoothed[label]), shares={k: n / total for k, n in smoothed.items()}
    )


@InParts
def head_predictions(
    base: Base, method: Method, dataset: Dataset, rows: Sequence[Row] | None = None
) -> Parts[list[Prediction]]:
    """The head's predictions for test rows (all of them if none are given), beside the constant baseline."""
    assert method.head is not None
    rows = dataset.rows("test") if rows is None else rows
    spec = method.head.spec
    if spec.span:
        return (yield from span_predictions.parts(base, method, dataset, rows))
    constant = constant_baseline(spec, dataset.rows("train"))
    examples = _encoded(base, method, dataset, rows)
    logits = yield from head_logits.parts(attached_view(base, method), method.head, examples, collator_of(base))
    predictions = []
    for row, example, row_logits in zip(rows, examples, logits, strict=True):
        answer = HeadPrediction.of(spec, row_logits).answer
        assert isinstance(example.target, int | float)
        if spec.labels:
            right, loss = answer == row.response.strip(), -float(row_logits.log_softmax(-1)[int(example.target)])
        else:
            right, loss = None, spec.spread**2 * (float(row_logits[0]) - float(example.target)) ** 2
        predictions.append(
            Prediction(
                prompt=row.prompt,
                reference=row.response,
                base=constant.answer,
                tuned=answer,
                right=right,
                loss=round(loss, 6),
            )
        )
    return predictions


def head_scores(
    base: Base, method: Method, dataset: Dataset, predictions: Sequence[Prediction] | None = None
) -> LabelScores | NumberScores | SpanScores:
    """All scores of a run with a task head; its `predictions` are computed unless they are given."""
    assert method.head is not None
    predictions = head_predictions(base, method, dataset) if predictions is None else predictions
    spec = method.head.spec
    if spec.span:
        return span_scores(base, method, dataset, predictions)
    constant = constant_baseline(spec, dataset.rows("train"))
    constant_losses = [constant.loss(spec, p.reference.strip()) for p in predictions]
    constant_loss = sum(constant_losses) / len(constant_losses)
    before, after = (ability_loss(base, one) for one in (None, method))
    if not spec.labels:
        return NumberScores(
            **asdict(number_metrics([float(p.reference) for p in predictions], [float(p.tuned) for p in predictions])),
            base_answer=float(constant.answer),
            base_squared_error=round(constant_loss, 6),
            base_ability_loss=after,
            base_ability_loss_before=before,
            rows=len(predictions),
        )
    references = [p.reference.strip() for p in predictions]
    return LabelScores(
        **asdict(label_metrics(references, [p.tuned for p in predictions], spec.labels)),
        base_accuracy=fraction([reference == constant.answer for reference in references]),
        base_answer=constant.answer,
        test_loss=round(sum(p.loss for p in predictions) / len(predictions), 4),
        base_test_loss=round(constant_loss, 4),
        base_ability_loss=after,
        base_ability_loss_before=before,
        rows=len(predictions),
    )


def _encoded(base: Base, method: Method, dataset: Dataset, rows: Sequence[Row]) -> list[Example]:
    assert method.head is not None
    templated, limit = dataset.in_template(method.template), attached_view(base, method).max_text_tokens
    check_modality(base.shape.family, templated, base.name)
    return encode_for(base.processor, templated, rows, limit, method.head.spec)
