"""Held-out rows of a run with the answers of base and tuned model, a part at a time."""

from dataclasses import asdict
from typing import Any

from engine.data.dataset import Dataset
from engine.evaluation.head import head_predictions
from engine.evaluation.text import predictions
from engine.methods.base import Method
from engine.models.base import Base

PART = 16
"""Rows that are answered at once: training waits no longer than that."""


def part(base: Base, method: Method, dataset: Dataset, start: int) -> tuple[list[dict[str, Any]], int]:
    """The next held-out rows from `start` on, as plain values, and how many there are in all."""
    rows = dataset.rows("test")
    answer = predictions if method.head is None else head_predictions
    return [asdict(found) for found in answer(base, method, dataset, rows[start : start + PART])], len(rows)
