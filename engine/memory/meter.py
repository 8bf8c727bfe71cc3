"""The peak memory of a run's training steps, measured.

On a GPU torch's allocator knows. On a CPU nobody does: the process's resident size also holds the interpreter,
libraries and what malloc keeps for later, and on a small model these are most of it. So the ledger watches the steps
there, which costs time: a step is watched only if its batch is larger than all those watched before, some five in a
run. That it tells the truth is shown by torch's profiler, which hooks into the C++ allocator: see benchmarks/memory.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from engine.memory.ledger import Ledger


class Meter:
    """Watches the steps of one run on one device."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._most = self._rows = self._length = 0
        self._ledger: Ledger | None = None
        self._before = 0

    @contextmanager
    def step(self, rows: int, length: int) -> Iterator[None]:
        """Forward and backward of a batch of so many rows and tokens per row."""
        if self._device.type == "cuda":
            self._before = torch.cuda.memory_allocated(self._device)
            torch.cuda.reset_peak_memory_stats(self._device)
        elif rows * length > self._rows * self._length:
            self._ledger, self._rows, self._length = Ledger(), rows, length
        else:
            self._ledger = None
        with self._ledger or nullcontext():
            yield
        self._note(rows, length)

    @contextmanager
    def rest(self, *, first: bool) -> Iterator[None]:
        """The same step's update. In the first one the optimiser makes its state, which stays: that is no step's."""
        with nullcontext() if first or self._ledger is None else self._ledger:
            yield
        if not first:
            self._note(self._rows, self._length)

    def _note(self, rows: int, length: int) -> None:
        if self._device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(self._device) - self._before
            if peak > self._most:
                self._rows, self._length = rows, length
        else:
            peak = self._ledger.peak if self._ledger else 0
        self._most = max(self._most, peak)

    def facts(self, model: nn.Module, method: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any]:
        """For run.json: what is there all the time, what a step adds, and both together, in bytes."""
        states = [value for state in optimiser.state.values() for value in state.values() if isinstance(value, Tensor)]
        held = {
            "weights": module_bytes(model),
            "adapter": module_bytes(method),
            "optimiser": sum(state.nbytes for state in states),
        }
        device = next(method.parameters()).device.type
        facts = {**held, "step": self._most, "peak": sum(held.values()) + self._most}
        return {**facts, "device": device, "rows": self._rows, "length": self._length}


def module_bytes(module: nn.Module) -> int:
    """Bytes of all tensors of a module, each storage once; of quantised linears also their scales."""
    sizes: dict[int, int] = {}
    for part in module.modules():
        state, weight = getattr(part, "state", None), getattr(part, "weight", None)
        scales = [getattr(state, "SCB", None)]
        quantised = getattr(weight, "quant_state", None)
        scales += [getattr(quantised, name, None) for name in ("absmax", "code")]
        for tensor in (*part.parameters(recurse=False), *part.buffers(recurse=False), *scales):
            if isinstance(tensor, Tensor):
                storage = tensor.untyped_storage()
                sizes[storage._cdata] = storage.nbytes()
    return sum(sizes.values())
