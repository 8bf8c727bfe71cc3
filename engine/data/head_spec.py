"""What a task head predicts, and which class or number a row's response is. Needs no torch: run folders keep it."""

import math
from dataclasses import dataclass
from typing import Any, Self

from engine.core.errors import DataError
from engine.data.dataset import Row


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadSpec:
    """What a task head predicts and what it reads.

    Attributes:
        labels: The classes it chooses from, in the order of its rows; empty when it estimates a number.
        pooling: Which token's state it reads: "first", "last", or the "mean" of all.
    """

    labels: tuple[str, ...]
    pooling: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for run.json and adapter.json."""
        return {"labels": list(self.labels), "pooling": self.pooling}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The spec that `to_dict` described."""
        return cls(labels=tuple(values["labels"]), pooling=values["pooling"])

    def target(self, row: Row, dataset: str) -> int | float:
        """The class or number that a row's response names.

        Raises:
            DataError: It names none.
        """
        try:
            return self.labels.index(row.response.strip()) if self.labels else _number(row.response)
        except ValueError as error:
            wanted = "one of " + ", ".join(self.labels) if self.labels else "a number"
            raise DataError(
                "bad_target",
                f"The dataset {dataset!r} has the response {row.response!r}, but the head needs {wanted}.",
                name=dataset,
                value=row.response,
                wanted=wanted,
            ) from error


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
