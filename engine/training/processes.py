"""The processes that train one run together, started by `accelerate launch` or torchrun: what they tell each other.

Data parallelism for adapters: process 0 trains the run as if it were alone, and the others lend it their gradients.
Before a step it sends them the method's tensors and the state of the random numbers, each works on its share of the
rows, and the gradients are summed in process 0, which alone updates, validates and writes. A step so moves twice the
method's trainable parameters over the wire, as an all-reduce does; nothing that happens between two steps (a warm-up, a
resumption, a validation that takes minutes) has to be told. For 0.1 % of a model of 7 billion parameters these are
56 MB.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather_object
from torch import Tensor, nn

from engine.core.errors import RunError

T = TypeVar("T")

PATIENCE = timedelta(days=7)
"""How long a process waits for another one, which may validate meanwhile, or be stopped by hand."""

UNUSED = {"ACCELERATE_USE_FSDP": "FSDP", "ACCELERATE_USE_DEEPSPEED": "DeepSpeed"}


class Processes:
    """All processes of a run; of one that trains alone, that one.

    Attributes:
        rank: Number of this process.
        count: Of all processes.
    """

    def __init__(self, rank: int = 0, count: int = 1, device: torch.device | None = None) -> None:
        self.rank, self.count = rank, count
        self._device = device

    @classmethod
    def of_environment(cls) -> "Processes":
        """The processes that `accelerate launch` started; this one alone without it.

        Raises:
            RunError: Its config asks for what trains no adapter here.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) < 2:
            return cls()
        if asked := [name for key, name in UNUSED.items() if os.environ.get(key, "").lower() == "true"]:
            raise RunError(
                "not_sharded",
                f"The Accelerate config asks for {asked[0]}, which splits the base over processes; here each holds it "
                "whole. Take a config with distributed_type MULTI_GPU or MULTI_CPU, and --precision nf4 for a base "
                "that does not fit.",
                name=asked[0],
            )
        cpu = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("true", "1", "yes") or not torch.cuda.is_available()
        state = PartialState(cpu=cpu, timeout=PATIENCE)
        return cls(state.process_index, state.num_processes, state.device)

    @property
    def main(self) -> bool:
        """Whether this process trains the run; the others help it."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        """Whether there is no other process."""
        return self.count == 1

    @contextmanager
    def leading(self) -> Iterator[None]:
        """In process 0: however this ends, the others are told that nothing more will come."""
        try:
            yield
        finally:
            with suppress(RunError):
                self.tell(None)

    def tell(self, message: object) -> None:
        """In process 0: send a picklable value, which the others `hear`."""
        if not self.alone:
            with _wire():
                broadcast_object_list([message])

    def hear(self) -> Any:  # noqa: ANN401 - whatever process 0 tells
        """In any other process: what process 0 tells next."""
        messages: list[Any] = [None]
        with _wire():
            broadcast_object_list(messages)
        return messages[0]

    @torch.no_grad()
    def share_tensors(self, module: nn.Module) -> None:
        """Give the tensors of a module in process 0 to the same module in all others."""
        if self.alone:
            return
        for tensors in _by_dtype(module.state_dict().values()):
            flat = _flat(tensors).to(self._device)
            with _wire():
                torch.distributed.broadcast(flat, 0)
            if not self.main:
                _unflatten(flat, tensors)

    def share_of(self, rows: Sequence[T]) -> Sequence[T]:
        """The rows of a batch that are this process's."""
        return [rows[index] for index in torch.arange(len(rows)).tensor_split(self.count)[self.rank].tolist()]

    @contextmanager
    def together(self) -> Iterator[None]:
        """What fails in one process within this fails in all; in the one where it did, with its own error.

        Raises:
            RunError: Another process failed.
        """
        own: Exception | None = None
        try:
            yield
        except Exception as error:
            if self.alone:
                raise
            own = error
        (failed,) = self.total(float(own is not None))
        if not failed:
            return
        with _wire():
            errors: list[str] = gather_object([(str(own) or type(own).__name__) if own is not None else ""])
        if own is not None:
            raise own
        rank, sentence = next((rank, text) for rank, text in enumerate(errors) if text)
        raise RunError("process_failed", f"Process {rank} of the run failed: {sentence}", rank=rank, reason=sentence)

    def total(self, *values: float) -> list[float]:
        """Sums of numbers over all processes."""
        if self.alone:
            return list(values)
        sums = torch.tensor(values, dtype=torch.float64).to(self._device)
        with _wire():
            torch.distributed.all_reduce(sums)
        return sums.tolist()

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """In process 0, make gradients the sums over all processes; a parameter that none used stays without one."""
        if self.alone:
            return
        used = list(parameters)
        present = torch.tensor([float(p.grad is not None) for p in used]).to(self._device)
        flat = _flat([torch.zeros_like(p) if p.grad is None else p.grad for p in used]).to(self._device)
        with _wire():
            torch.distributed.all_reduce(present)
            torch.distributed.reduce(flat, 0)
        if not self.main:
            return
        gradients = [torch.empty_like(p) for p in used]
        _unflatten(flat, gradients)
        for parameter, gradient, count in zip(used, gradients, present.tolist(), strict=True):
            parameter.grad = gradient if count else None


@contextmanager
def _wire() -> Iterator[None]:
    """Around what goes from process to process.

    Raises:
        RunError: One of them is gone.
    """
    try:
        yield
    except RuntimeError as error:
        raise RunError(
            "process_lost",
            "Another process of the run is gone, or cannot be reached. What the newest checkpoint holds is kept: "
            "resume the run.",
        ) from error


def _by_dtype(tensors: Iterable[Tensor]) -> Iterable[list[Tensor]]:
    groups: dict[torch.dtype, list[Tensor]] = {}
    for tensor in tensors:
        groups.setdefault(tensor.dtype, []).append(tensor)
    return groups.values()


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def _unflatten(flat: Tensor, tensors: Sequence[Tensor]) -> None:
    """Write what `_flat` made into tensors."""
    for tensor, values in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(values.view_as(tensor))
