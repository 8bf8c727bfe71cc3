"""Where a run in training stands, as a value."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the run stands after a step.

    Attributes:
        step: Optimiser steps so far.
        steps: Optimiser steps in all.
        loss: Training loss of the step, in nats.
        tokens_per_s: Tokens of the batch, without padding, per second of the step.
        wall_s: Seconds of training so far.
        warming: How much of the method's warm-up is done, 0 to 1; None from the first step on.
        waiting: Whether the disk is full, so that nothing happens until there is room.
        validating: Whether the step is being validated; it has ended when that has.
        scoring: Whether all steps are made, and test rows are answered for the run's score.
    """

    step: int
    steps: int
    loss: float = math.nan
    tokens_per_s: float = 0.0
    wall_s: float = 0.0
    warming: float | None = None
    waiting: bool = False
    validating: bool = False
    scoring: bool = False
