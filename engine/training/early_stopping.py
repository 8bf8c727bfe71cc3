"""Early stopping and the best state: the running result of a run's validations.

Two measures stand side by side. The lowest loss is the plain minimum and decides which adapter is kept. Patience counts
from the reference, the last loss that was lower than the reference before it by more than `min_delta`, so that many
small improvements, which add up, count as well. As in Keras' EarlyStopping, patience is a number of validations.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any, Self

FORMER_KEYS = {"mark": "reference", "waited": "bad_evals"}
"""How checkpoints of version 0.1 call some of the fields."""


@dataclass(frozen=True, slots=True)
class BestValidation:
    """Result of all validations so far.

    Attributes:
        loss: Lowest validation loss in nats; None before the first validation.
        step: Optimiser steps after which it was measured.
        reference: The loss from which patience counts.
        bad_evals: Validations since then.
    """

    loss: float | None = None
    step: int = 0
    reference: float | None = None
    bad_evals: int = 0

    def after(self, step: int, loss: float, min_delta: float) -> Self:
        """The result with another validation. NaN is never an improvement."""
        result = replace(self, bad_evals=self.bad_evals + 1)
        if loss == loss and (self.loss is None or loss < self.loss):
            result = replace(result, loss=loss, step=step)
        if loss == loss and (self.reference is None or loss < self.reference - min_delta):
            result = replace(result, reference=loss, bad_evals=0)
        return result

    def improved(self, step: int) -> bool:
        """Whether the validation of a step was the best so far."""
        return self.loss is not None and self.step == step

    def patience_exhausted(self, patience: int | None) -> bool:
        """Whether `patience` validations in a row brought no improvement; never without a patience."""
        return patience is not None and self.bad_evals >= patience

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Any) -> Self:  # noqa: ANN401 - what stands in a checkpoint
        """The inverse. Older checkpoints use former keys; the oldest hold the lowest loss alone."""
        if not isinstance(plain, dict):
            return cls(loss=plain, reference=plain)
        return cls(**{FORMER_KEYS.get(str(key), str(key)): value for key, value in plain.items()})
