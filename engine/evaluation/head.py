"""Scoring a run whose answers come from a task head, on held-out rows.

The untuned base has no head. What stands beside the tuned model is therefore the best that can be said without reading
the text: the most frequent label of the training rows (with their frequencies as its probabilities), or their mean.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from engine.data.batching import collator_of
from engine.data.dataset import Dataset, Row
from engine.data.head_spec import HeadSpec
from engine.data.task import check_modality
from engine.data.tokenise import Example, encode_for
from engine.evaluation.base_ability import ability_examples
from engine.evaluation.label_metrics import label_metrics, number_metrics
from engine.evaluation.loss import mean_loss
from engine.evaluation.text import Prediction, fraction
from engine.inference.classify import HeadPrediction, head_logits
from engine.methods.attach import attached_view
from engine.methods.base import Method
from engine.models.base import Base


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelScores:
    """What `python -m engine eval` reports of a run that chooses labels.

    Attributes:
        accuracy: Share of right labels.
        base_accuracy: The same for always saying `base_answer`.
        base_answer: The most frequent label of the training rows; the base itself has no head.
        f1: Mean over the labels of their F1 ("macro").
        matthews: Matthews' correlation: 1 is right, 0 no better than chance.
        f1_by_label: F1 of each label.
        test_loss: Nats per held-out row.
        base_test_loss: The same for the labels' frequencies in the training rows.
        base_ability_loss: Loss on held-out plain text; None where it cannot be measured.
        base_ability_loss_before: The same for the untuned base.
        rows: Number of held-out rows.
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
    """What `python -m engine eval` reports of a run that estimates numbers.

    Attributes:
        pearson: Correlation; 0 where all estimates are alike.
        spearman: Correlation of the ranks, likewise.
        squared_error: Mean squared error.
        base_answer: The mean of the training rows; the base itself has no head.
        base_squared_error: Mean squared error of always saying it.
        base_ability_loss: Loss on held-out plain text; None where it cannot be measured.
        base_ability_loss_before: The same for the untuned base.
        rows: Number of held-out rows.
    """

    pearson: float
    spearman: float
    squared_error: float
    base_answer: float
    base_squared_error: float
    base_ability_loss: float | None
    base_ability_loss_before: float | None
    rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ConstantBaseline:
    """The best answer without reading: what a head's base column shows.

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
    """The best answer to rows like these without reading them; a label that none has counts as one row."""
    if not spec.labels:
        return ConstantBaseline(answer=f"{sum(float(row.response) for row in rows) / len(rows):.6g}", shares={})
    counts = Counter(row.response.strip() for row in rows)
    seen = {label: max(1, counts[label]) for label in spec.labels}
    total = sum(seen.values())
    return ConstantBaseline(
        answer=max(seen, key=lambda label: seen[label]), shares={k: n / total for k, n in seen.items()}
    )


def head_predictions(
    base: Base, method: Method, dataset: Dataset, rows: Sequence[Row] | None = None
) -> list[Prediction]:
    """What the head says of held-out rows, of all of them if none are given, beside the blind answer."""
    assert method.head is not None
    rows = dataset.rows("test") if rows is None else rows
    spec = method.head.spec
    constant = constant_baseline(spec, dataset.rows("train"))
    examples = _encoded(base, method, dataset, rows)
    scores = head_logits(attached_view(base, method), method.head, examples, collator_of(base))
    found = []
    for row, example, own in zip(rows, examples, scores, strict=True):
        answer = HeadPrediction.of(spec, own).answer
        assert example.target is not None
        if spec.labels:
            right, loss = answer == row.response.strip(), -float(own.log_softmax(-1)[int(example.target)])
        else:
            right, loss = None, (float(own[0]) - float(example.target)) ** 2
        found.append(
            Prediction(
                prompt=row.prompt,
                reference=row.response,
                base=constant.answer,
                tuned=answer if spec.labels else f"{float(own[0]):.6g}",
                right=right,
                loss=round(loss, 6),
            )
        )
    return found


def head_scores(
    base: Base, method: Method, dataset: Dataset, found: Sequence[Prediction] | None = None
) -> LabelScores | NumberScores:
    """All scores of a run with a task head; `found` are its predictions, if they were made before."""
    assert method.head is not None
    found = head_predictions(base, method, dataset) if found is None else found
    spec = method.head.spec
    constant = constant_baseline(spec, dataset.rows("train"))
    errors = [constant.loss(spec, p.reference.strip()) for p in found]
    blind_loss = sum(errors) / len(errors)
    before, after = (_ability(base, one) for one in (None, method))
    if not spec.labels:
        return NumberScores(
            **asdict(number_metrics([float(p.reference) for p in found], [float(p.tuned) for p in found])),
            base_answer=float(constant.answer),
            base_squared_error=round(blind_loss, 6),
            base_ability_loss=after,
            base_ability_loss_before=before,
            rows=len(found),
        )
    references = [p.reference.strip() for p in found]
    return LabelScores(
        **asdict(label_metrics(references, [p.tuned for p in found], spec.labels)),
        base_accuracy=fraction([reference == constant.answer for reference in references]),
        base_answer=constant.answer,
        test_loss=round(sum(p.loss for p in found) / len(found), 4),
        base_test_loss=round(blind_loss, 4),
        base_ability_loss=after,
        base_ability_loss_before=before,
        rows=len(found),
    )


def _ability(base: Base, method: Method | None) -> float | None:
    plain = ability_examples(base, None, 512)
    return round(mean_loss(attached_view(base, method), plain, collator_of(base)), 4) if plain else None


def _encoded(base: Base, method: Method, dataset: Dataset, rows: Sequence[Row]) -> list[Example]:
    assert method.head is not None
    held, room = dataset.in_template(method.template), attached_view(base, method).max_text_tokens
    check_modality(base.shape.family, held, base.name)
    return encode_for(base.processor, held, rows, room, method.head.spec)
