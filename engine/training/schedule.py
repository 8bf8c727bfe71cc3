"""The learning rate's course over a run, number for number transformers' schedule of that name.

They are written out here since importing `transformers.optimization` brings the whole of PEFT and bitsandbytes where
those are installed: two seconds of every process that trains.
"""

import math
from collections.abc import Callable

import torch
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

DECAYS: dict[str, Callable[[int, int], float]] = {
    "cosine": lambda made, steps: 0.5 * (1.0 + math.cos(math.pi * made / max(1, steps))),
    "linear": lambda made, steps: (steps - made) / max(1, steps),
    "constant_with_warmup": lambda *_: 1.0,
}
"""The share of the learning rate, by the steps after warm-up that are made and all steps after warm-up."""


def scheduled(optimiser: torch.optim.Optimizer, name: str, *, warmup: int, steps: int) -> LambdaLR:
    """A scheduler that raises the learning rate over the warm-up and lowers it after that.

    Args:
        optimiser: Has the learning rates that the schedule multiplies.
        name: A key of `DECAYS`, or "constant", which knows no warm-up.
        warmup: Optimiser steps in which the rate climbs from 0.
        steps: All optimiser steps of the run.
    """

    def factor(step: int) -> float:
        if name == "constant":
            return 1.0
        if step < warmup:
            return step / warmup
        return max(0.0, DECAYS[name](step - warmup, steps - warmup))

    return LambdaLR(optimiser, factor)


def follow_schedule(optimiser: torch.optim.Optimizer, scheduler: LRScheduler) -> None:
    """Give every group the rate that the schedule has after the steps it has made.

    A restored optimiser has just that one, unless the run has been given more steps since.
    """
    assert isinstance(scheduler, LambdaLR)
    rates = zip(scheduler.base_lrs, scheduler.lr_lambdas, strict=True)
    for group, (rate, factor) in zip(optimiser.param_groups, rates, strict=True):
        group["lr"] = rate * factor(scheduler.last_epoch)
