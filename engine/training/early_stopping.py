"""When a run has learned what it can, and which of its states is worth keeping.

Two measures stand side by side. The lowest loss is the plain minimum, and tells which adapter to keep. Patience counts
from the last loss that was lower than the one before it by more than `min_delta`, so that many small steps down, which
add up, count as well. As in Keras' EarlyStopping, patience is a number of validations, not of updates.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Best:
    """How validation went so far.

    Attributes:
        loss: Lowest loss; None before the first validation.
        step: Updates that made it.
        mark: The loss from which patience counts.
        waited: Validations since then.
    """

    loss: float | None = None
    step: int = 0
    mark: float | None = None
    waited: int = 0

    def after(self, step: int, loss: float, min_delta: float) -> Self:
        """The same after another validation. A loss that is no number is never better."""
        found = replace(self, waited=self.waited + 1)
        if loss == loss and (self.loss is None or loss < self.loss):
            found = replace(found, loss=loss, step=step)
        if loss == loss and (self.mark is None or loss < self.mark - min_delta):
            found = replace(found, mark=loss, waited=0)
        return found

    def improved(self, step: int) -> bool:
        """Whether the validation of a step was the best so far."""
        return self.loss is not None and self.step == step

    def worn_out(self, patience: int | None) -> bool:
        """Whether so many validations in a row brought nothing; never without a patience."""
        return patience is not None and self.waited >= patience

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Any) -> Self:  # noqa: ANN401 - what stands in a checkpoint
        """The inverse; checkpoints of older versions hold the lowest loss alone."""
        return cls(**plain) if isinstance(plain, dict) else cls(loss=plain, mark=plain)
