"""Scores of labels and numbers, by the functions with which GLUE itself is scored (scikit-learn and SciPy).

They are loaded when something is scored: it takes seconds, and training needs none of them.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelMetrics:
    """How well labels were chosen.

    Attributes:
        accuracy: Share of right ones.
        f1: Mean over the labels of their F1 ("macro").
        matthews: Matthews' correlation: 1 is right, 0 no better than chance.
        f1_by_label: F1 of each label; GLUE reports that of one of them.
    """

    accuracy: float
    f1: float
    matthews: float
    f1_by_label: dict[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberMetrics:
    """How well numbers were estimated.

    Attributes:
        pearson: Correlation; 0 where all estimates are alike.
        spearman: Correlation of the ranks, likewise.
        squared_error: Mean squared error.
    """

    pearson: float
    spearman: float
    squared_error: float


def label_metrics(references: Sequence[str], answers: Sequence[str], labels: Sequence[str]) -> LabelMetrics:
    """Compare answers with references; an answer that is no label is a wrong one."""
    from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef  # noqa: PLC0415 - takes seconds to load

    each = f1_score(references, answers, labels=list(labels), average=None, zero_division=0.0)
    with warnings.catch_warnings():  # one class alone has no correlation: 0, as it says
        warnings.simplefilter("ignore")
        matthews = float(matthews_corrcoef(references, answers))
    return LabelMetrics(
        accuracy=round(float(accuracy_score(references, answers)), 4),
        f1=round(float(each.mean()), 4),
        matthews=round(matthews, 4),
        f1_by_label={label: round(float(f1), 4) for label, f1 in zip(labels, each, strict=True)},
    )


def number_metrics(references: Sequence[float], answers: Sequence[float]) -> NumberMetrics:
    """Compare estimates with references."""
    from scipy.stats import pearsonr, spearmanr  # noqa: PLC0415 - takes seconds to load

    with warnings.catch_warnings():  # equal numbers have no correlation: 0
        warnings.simplefilter("ignore")
        found = [float(measure(references, answers).statistic) for measure in (pearsonr, spearmanr)]
    pearson, spearman = (round(value, 4) if math.isfinite(value) else 0.0 for value in found)
    errors = [(a - b) ** 2 for a, b in zip(references, answers, strict=True)]
    return NumberMetrics(pearson=pearson, spearman=spearman, squared_error=round(sum(errors) / len(errors), 6))
