"""The size of an optimiser update, by group of parameters."""

import math

from torch import Tensor

from engine.methods.base import Method
from engine.telemetry.events import MovedEvent


def copied_groups(method: Method) -> dict[str, list[Tensor]]:
    """Values of all parameters before an update, by group."""
    return {name: [p.detach().clone() for p in group] for name, group in method.groups().items()}


def update_event(step: int, method: Method, before: dict[str, list[Tensor]]) -> MovedEvent:
    """L2 norms of gradient, update and value of every group, after the update; `before` is from `copied_groups`."""

    def norm(tensors: list[Tensor]) -> float:
        return round(math.sqrt(sum(float(tensor.float().square().sum()) for tensor in tensors)), 6)

    groups = method.groups()
    return MovedEvent(
        step=step,
        groups=list(groups),
        grad_norms=[norm([p.grad for p in group if p.grad is not None]) for group in groups.values()],
        update_norms=[
            norm([p - old for p, old in zip(group, before[name], strict=True)]) for name, group in groups.items()
        ],
        norms=[norm(list(group)) for group in groups.values()],
    )
