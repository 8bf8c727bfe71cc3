"""Metrics of labels and numbers, computed by the functions that GLUE's scorer uses (scikit-learn and SciPy).

Both are imported when something is scored: that takes seconds, and training does not need them.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelMetrics:
    """Metrics of predicted labels.

    Attributes:
        accuracy: Share of right labels.
        f1: Mean over the labels of their F1 ("macro").
        matthews: Matthews' correlation: 1 is right, 0 no better than chance.
        f1_by_label: F1 of each label; GLUE reports that of one label.
    """

    accuracy: float
    f1: float
    matthews: float
    f1_by_label: dict[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberMetrics:
    """Metrics of predicted numbers.

    Attributes:
        pearson: Pearson's correlation; 0 where all predictions are equal, None for a single row.
        spearman: Spearman's rank correlation, likewise.
        squared_error: Mean squared error.
    """

    pearson: float | None
    spearman: float | None
    squared_error: float


def label_metrics(references: Sequence[str], answers: Sequence[str], labels: Sequence[str]) -> LabelMetrics:
    """Compare answers with references; an answer that is not a label counts as wrong."""
    from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef  # noqa: PLC0415 - takes seconds to load

    f1s = f1_score(references, answers, labels=list(labels), average=None, zero_division=0.0)
    with warnings.catch_warnings():  # undefined for a single class: scikit-learn warns and returns 0
        warnings.simplefilter("ignore")
        matthews = float(matthews_corrcoef(references, answers))
    return LabelMetrics(
        accuracy=round(float(accuracy_score(references, answers)), 4),
        f1=round(float(f1s.mean()), 4),
        matthews=round(matthews, 4),
        f1_by_label={label: round(float(f1), 4) for label, f1 in zip(labels, f1s, strict=True)},
    )


def number_metrics(references: Sequence[float], answers: Sequence[float]) -> NumberMetrics:
    """Compare predictions with references."""
    from scipy.stats import pearsonr, spearmanr  # noqa: PLC0415 - takes seconds to load

    errors = [(a - b) ** 2 for a, b in zip(references, answers, strict=True)]
    squared_error = round(sum(errors) / len(errors), 6)
    if len(errors) < 2:
        return NumberMetrics(pearson=None, spearman=None, squared_error=squared_error)
    with warnings.catch_warnings():  # undefined for constant numbers: 0
        warnings.simplefilter("ignore")
        correlations = [float(measure(references, answers).statistic) for measure in (pearsonr, spearmanr)]
    pearson, spearman = (round(value, 4) if math.isfinite(value) else 0.0 for value in correlations)
    return NumberMetrics(pearson=pearson, spearman=spearman, squared_error=squared_error)
