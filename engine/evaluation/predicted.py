"""Predictions for the test rows of a run as far as they have been made, as a value. Needs no torch."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Predicted:
    """Predictions for the test rows of a run, as far as they have been made.

    Attributes:
        rows: The predictions so far, with the fields of `engine.evaluation.text.Prediction`.
        total: Number of all test rows.
    """

    rows: list[dict[str, Any]]
    total: int
