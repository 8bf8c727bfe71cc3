"""Predictions of base and tuned model for a run's test rows, a batch of rows per call."""

from dataclasses import asdict
from typing import Any

from engine.core.parts import InParts, Parts
from engine.data.dataset import Dataset
from engine.evaluation.head import head_predictions
from engine.evaluation.text import text_predictions
from engine.methods.base import Method
from engine.models.base import Base

ROWS_PER_CALL = 16
"""Rows of a call, which answers them in parts."""


@InParts
def predict_rows(base: Base, method: Method, dataset: Dataset, start: int) -> Parts[tuple[list[dict[str, Any]], int]]:
    """Predictions for the test rows from `start` on, as plain values, and the number of all test rows."""
    rows = dataset.rows("test")
    predict = text_predictions if method.head is None else head_predictions
    predictions = yield from predict.parts(base, method, dataset, rows[start : start + ROWS_PER_CALL])
    return [asdict(prediction) for prediction in predictions], len(rows)
