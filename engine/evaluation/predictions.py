"""Held-out rows of a run with the answers of base and tuned model, a part at a time."""

from dataclasses import asdict
from typing import Any

from engine.data.dataset import Dataset
from engine.evaluation.head import head_predictions
from engine.evaluation.text import text_predictions
from engine.methods.base import Method
from engine.models.base import Base

ROWS_PER_CALL = 16
"""Rows that are answered at once: training waits no longer than that."""


def predict_rows(base: Base, method: Method, dataset: Dataset, start: int) -> tuple[list[dict[str, Any]], int]:
    """The next held-out rows from `start` on, as plain values, and how many there are in all."""
    rows = dataset.rows("test")
    predict = text_predictions if method.head is None else head_predictions
    return [
        asdict(prediction) for prediction in predict(base, method, dataset, rows[start : start + ROWS_PER_CALL])
    ], len(rows)
