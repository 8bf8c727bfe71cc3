"""Keeps the latest estimates of memory: most changes of a form, as of the learning rate, leave the memory as it is."""

import dataclasses
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator

import torch
from torch import Tensor

from engine.memory.capacity import DeviceMemory, fit_of
from engine.memory.info import MemoryInfo
from engine.preflight.memory import Plan, estimate

KEPT = 16
WITHOUT_MEMORY = (
    "steps", "learning_rate", "seed", "schedule", "warmup_ratio", "weight_decay", "max_grad_norm", "eval_every",
    "patience", "min_delta", "keep", "save_every", "head_rate",
)  # fmt: skip
"""Settings of training on which no allocation of a step depends."""


class Estimates:
    """Estimates by plan; several threads may ask."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[Plan, MemoryInfo]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, plan: Plan, memory: DeviceMemory) -> MemoryInfo:
        """As `estimate`, and the same as before where only `memory` has changed since.

        Raises:
            WorkbenchError: See `estimate`.
        """
        key = key_of(plan)
        with self._lock:
            kept = self._kept.get(key)
        if kept is None:
            kept = plan, estimate(plan, memory)
        with self._lock:
            self._kept[key] = kept  # with its plan, which keeps the processor's identity from being used again
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        info = kept[1]
        return dataclasses.replace(
            info, free=memory.free, capacity=memory.total, verdict=fit_of(info.needed, memory.free)
        )


def key_of(plan: Plan) -> str:
    """A digest of everything that the estimate of a plan depends on."""
    training = {name: v for name, v in plan.training.to_dict().items() if name not in WITHOUT_MEMORY}
    config = {name: v for name, v in plan.config.to_dict().items() if name != "dtype"}  # building a model sets it
    parts = (plan.config.name_or_path, config, plan.method, plan.settings, training, plan.head, plan.device)
    values = [*map(repr, parts), str(id(plan.processor))]
    digest = hashlib.sha256("\0".join(values).encode())
    for tensor in _tensors(plan.batch):
        digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _tensors(value: object) -> Iterator[Tensor]:
    """The tensors of a batch, in their order."""
    if isinstance(value, Tensor):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _tensors(getattr(value, field.name))
