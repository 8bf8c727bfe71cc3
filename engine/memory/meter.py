"""The peak memory of a run's training steps, measured.

On a GPU torch's allocator reports it. On a CPU nothing does: the process's resident size also includes the interpreter,
libraries and malloc's free lists, which dominate for a small model. There a `Ledger` measures the steps, which costs
time: a step is measured only if its batch is larger than all those measured before, some five times in a run.
benchmarks/memory.py compares the result with torch's profiler, which hooks into the C++ allocator.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn

from engine.memory.info import MeasuredMemory
from engine.memory.ledger import Ledger


class Meter:
    """Measures the steps of one run on one device."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._peak = self._rows = self._length = 0
        self._ledger: Ledger | None = None
        self._before = 0

    @contextmanager
    def step(self, rows: int, length: int) -> Iterator[None]:
        """Measure forward and backward of a batch of `rows` rows of `length` tokens."""
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
        """Measure the same step's update. Not the first one: it allocates the optimiser's state, which stays."""
        with nullcontext() if first or self._ledger is None else self._ledger:
            yield
        if not first:
            self._note(self._rows, self._length)

    def _note(self, rows: int, length: int) -> None:
        if self._device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(self._device) - self._before
            if peak > self._peak:
                self._rows, self._length = rows, length
        else:
            peak = self._ledger.peak if self._ledger else 0
        self._peak = max(self._peak, peak)

    def measured(
        self, model: nn.Module, method: nn.Module, optimiser: torch.optim.Optimizer, shares: int = 0
    ) -> MeasuredMemory:
        """What is allocated throughout the run, what a step adds, and their sum.

        Args:
            model: The base.
            method: What trains.
            optimiser: Of it.
            shares: Bytes of this process's shares of the base, where several hold it together.
        """
        states = [value for state in optimiser.state.values() for value in state.values() if isinstance(value, Tensor)]
        weights, adapter = module_bytes(model) + shares, module_bytes(method)
        state = sum(each.nbytes for each in states)
        return MeasuredMemory(
            weights=weights,
            adapter=adapter,
            optimiser=state,
            step=self._peak,
            peak=weights + adapter + state + self._peak,
            device=next(method.parameters()).device.type,
            rows=self._rows,
            length=self._length,
        )


def module_bytes(module: nn.Module) -> int:
    """Bytes of all tensors of a module, each storage once; for quantised linears including their scales."""
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
