"""What a training step hands to a method that finds some of its values by trying, as a trigger of words is found."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

Measure = Callable[[], float]
"""Mean loss, in nats per label, of the same rows at every call, with the method as it acts at that moment."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Means to try out values between the backward pass of a step and its update.

    Attributes:
        rng: Random numbers of this step alone, so that a resumed run draws the same ones.
        unclip: What the gradients in the parameters have to be multiplied by to be those before clipping.
        labels: The responses that there are, where these are few.
        fresh: Draws so many batches of training rows, and gives what measures the loss on them.
    """

    rng: torch.Generator
    unclip: float
    labels: tuple[str, ...]
    fresh: Callable[[int], Measure]
