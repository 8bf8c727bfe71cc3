"""Whether training has diverged: its loss stays far above the one it began with.

The criterion looks at the median of the newest losses, so that neither one bad batch nor a short spike, from which runs
recover (Chowdhery et al. 2022, PaLM, section 5.1, saw some twenty), counts; learning-rate finders, which shall end at
once, compare the newest loss alone (Smith 2017; four times the best one in fastai and PyTorch Lightning). Overfitting
is none: it lowers the training loss.
"""

import statistics
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from engine.core.errors import RunError

WINDOW = 20
"""Steps whose median counts."""

FEWEST = 5
"""Steps below which a short run is not judged."""

NOT_FINITE = "loss_not_finite"
"""Key of the error of a run whose loss is no number any more."""

FACTOR, MARGIN = 2.0, 1.0
"""The median must be above the first loss times `FACTOR`, and above it plus `MARGIN` nats."""


@dataclass(frozen=True, slots=True)
class Stability:
    """The newest losses beside the first one.

    Attributes:
        initial: Loss before the first update: on the validation rows or the first batch, whichever is higher.
        recent: Losses of the newest steps, at most `WINDOW`.
        diverged: The step at which the run was first seen to have diverged; None if it never was.
        loss: The median at that step.
    """

    initial: float | None = None
    recent: tuple[float, ...] = ()
    diverged: int | None = None
    loss: float | None = None

    def begun(self, loss: float) -> Self:
        """With a loss that was measured before the first update."""
        return self if loss != loss else replace(self, initial=max(loss, self.initial or 0.0))

    def after(self, step: int, loss: float, steps: int) -> Self:
        """With the loss of another step of a run of `steps`."""
        begun = self.begun(loss) if step == 1 else self
        recent = (*self.recent, loss)[-WINDOW:]
        result = replace(begun, recent=recent)
        if self.diverged is not None or begun.initial is None or len(recent) < max(FEWEST, min(WINDOW, steps)):
            return result
        median = statistics.median_low(recent)
        high = max(FACTOR * begun.initial, begun.initial + MARGIN)
        return replace(result, diverged=step, loss=median) if median > high else result

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any] | None) -> Self:
        """The inverse; checkpoints of older versions have none."""
        return cls() if plain is None else cls(**{**plain, "recent": tuple(plain["recent"])})


def diverged(run: str, stability: Stability, rate: float, usual: float) -> RunError:
    """What a run that has diverged says while it goes on, and after its end.

    Args:
        run: Its id.
        stability: Of the moment in which it was seen.
        rate: Its learning rate.
        usual: The one that suits its method.
    """
    loss, initial = round(stability.loss or 0.0, 2), round(stability.initial or 0.0, 2)
    lower = lower_rate(rate, usual)
    return RunError(
        "diverged",
        f"Training has diverged by step {stability.diverged}: the loss was {initial:g} at first and is {loss:g} now. "
        f"Start again with a lower learning_rate: --learning-rate {lower} (now {rate:g}). The adapter keeps the best "
        "state so far.",
        run=run,
        step=stability.diverged,
        initial=f"{initial:g}",
        loss=f"{loss:g}",
        rate=f"{rate:g}",
        lower=lower,
    )


def lower_rate(rate: float, usual: float) -> str:
    """The next rung down from a learning rate that is too high: the method's usual one, or a third of the present."""
    return f"{usual if rate > 3 * usual else rate / 3:.1g}"


def not_finite(run: str, step: int, loss: float, rate: float, usual: float, *, precision: str) -> RunError:
    """The error of a run whose loss or gradient is no number any more; for the arguments see `diverged`.

    Before the first update the rate cannot be the reason.
    """
    if step == 1 and precision != "fp16":
        return RunError(
            "loss_damaged_weights",
            f"The loss is {loss} at step 1, before anything was learned: the model's weights are damaged (precision "
            f"{precision} holds every number of a sound model). Get the model again, or choose another with --model.",
            run=run,
            precision=precision,
        )
    if step == 1:
        return RunError(
            "loss_never_finite",
            f"The loss is {loss} at step 1, before anything was learned, so no learning rate helps: the model's "
            f"numbers are too large for precision {precision}, or its weights are damaged. Choose bf16 or fp32: "
            "--precision bf16.",
            run=run,
            precision=precision,
        )
    lower = lower_rate(rate, usual)
    return RunError(
        NOT_FINITE,
        f"The loss became {loss} at step {step}: start again with a lower learning_rate: --learning-rate {lower} (now "
        f"{rate:g}).",
        run=run,
        step=step,
        rate=f"{rate:g}",
        lower=lower,
    )
