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
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather_object
from torch import Tensor, nn

from engine.core.errors import RunError
from engine.models.base import Base
from engine.training.sharing import Sharing
from engine.training.wire import PATIENCE, wire

T = TypeVar("T")

DEEPSPEED, FSDP, VERSION = "ACCELERATE_USE_DEEPSPEED", "ACCELERATE_USE_FSDP", "FSDP_VERSION"
"""What `accelerate launch` says of its config in the environment."""


class Processes:
    """All processes of a run; of one that trains alone, that one.

    Attributes:
        rank: Number of this process.
        count: Of all processes.
        sharded: Whether each holds a share of the base only.
    """

    def __init__(
        self, rank: int = 0, count: int = 1, device: torch.device | None = None, sharing: Sharing | None = None
    ) -> None:
        self.rank, self.count = rank, count
        self.sharded = sharing is not None
        self._device, self._sharing = device, sharing

    @classmethod
    def of_environment(cls) -> "Processes":
        """The processes that `accelerate launch` started; this one alone without it.

        Raises:
            RunError: Its config asks for what trains no adapter here.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) < 2:
            return cls()
        sharded = _splits_the_base()
        cpu = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("true", "1", "yes") or not torch.cuda.is_available()
        # Accelerate and transformers read it, too, and would split what is loaded and prepared in their own way.
        os.environ.pop(FSDP, None)
        state = PartialState(cpu=cpu, timeout=PATIENCE)
        rank, count, device = state.process_index, state.num_processes, state.device
        return cls(rank, count, device, Sharing(rank, count, device) if sharded else None)

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
        if self._sharing is not None:
            self._sharing.tell(message)
        elif not self.alone:
            with wire():
                broadcast_object_list([message])

    def hear(self) -> Any:  # noqa: ANN401 - whatever process 0 tells
        """In any other process: what process 0 tells next."""
        if self._sharing is not None:
            return self._sharing.hear()
        messages: list[Any] = [None]
        with wire():
            broadcast_object_list(messages)
        return messages[0]

    def split(self, base: Base) -> None:
        """Split a base over the processes, if that was asked for."""
        if self._sharing is not None:
            self._sharing.split(base)

    def passing(self) -> AbstractContextManager[None]:
        """Around the forward and backward passes of a step, in which all processes may need the base."""
        return nullcontext() if self._sharing is None else self._sharing.working()

    @torch.no_grad()
    def share_tensors(self, module: nn.Module) -> None:
        """Give the tensors of a module in process 0 to the same module in all others."""
        if self.alone:
            return
        for tensors in _by_dtype(module.state_dict().values()):
            flat = _flat(tensors).to(self._device)
            with wire():
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
            if self.alone or (self._sharing is not None and self._sharing.broken):
                raise
            own = error
        (failed,) = self.total(float(own is not None))
        if not failed:
            return
        with wire():
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
        with wire():
            torch.distributed.all_reduce(sums)
        return sums.tolist()

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """In process 0, make gradients the sums over all processes; a parameter that none used stays without one."""
        if self.alone:
            return
        used = list(parameters)
        present = torch.tensor([float(p.grad is not None) for p in used]).to(self._device)
        flat = _flat([torch.zeros_like(p) if p.grad is None else p.grad for p in used]).to(self._device)
        with wire():
            torch.distributed.all_reduce(present)
            torch.distributed.reduce(flat, 0)
        if not self.main:
            return
        gradients = [torch.empty_like(p) for p in used]
        _unflatten(flat, gradients)
        for parameter, gradient, count in zip(used, gradients, present.tolist(), strict=True):
            parameter.grad = gradient if count else None


def _splits_the_base() -> bool:
    """Whether the Accelerate config asks for that.

    Raises:
        RunError: It asks for a way in which that cannot be done here.
    """
    asked = {name for name in (DEEPSPEED, FSDP) if os.environ.get(name, "").lower() == "true"}
    if DEEPSPEED in asked:
        raise RunError(
            "not_sharded",
            "The Accelerate config asks for DeepSpeed, with which no adapter is trained here: to split the base over "
            "the processes take FSDP with fsdp_version: 2, else distributed_type MULTI_GPU or MULTI_CPU.",
        )
    if FSDP in asked and os.environ.get(VERSION, "1") != "2":
        raise RunError(
            "old_fsdp",
            "The Accelerate config asks for FSDP in its version 1, with which no adapter is trained here: set "
            "fsdp_version: 2 in it.",
        )
    return FSDP in asked


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
