"""What this process takes of the machine right now. Needs no torch, but asks it where it is loaded."""

import sys
import threading
import time
from dataclasses import dataclass

import psutil

FRESH_S = 1.5
"""Seconds for which a reading stands: it walks through all processes of the machine, and a class of pages asks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineUse:
    """Memory and processors.

    Attributes:
        memory_bytes: Resident memory of the workbench and of the processes that it trains with.
        memory_free_bytes: Memory that other processes could still have, without swapping.
        memory_total_bytes: All memory of the machine.
        cpu: Share of all processors that those processes have used since the last call, 0 to 1; 0 at the first.
        gpu_bytes: Memory of the GPU that is taken, by whomever; 0 without a GPU.
        gpu_total_bytes: All of its memory; 0 without a GPU.
    """

    memory_bytes: int
    memory_free_bytes: int
    memory_total_bytes: int
    cpu: float
    gpu_bytes: int
    gpu_total_bytes: int


class Machine:
    """Reads what is taken, at most once in `FRESH_S` however many ask. Safe from any thread.

    Processes are remembered, since their share of the CPU is that since the last reading.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[int, psutil.Process] = {}
        self._read: MachineUse | None = None
        self._read_at = 0.0

    def use(self) -> MachineUse:
        """What is taken now, or was less than `FRESH_S` ago."""
        with self._lock:
            if self._read is None or time.monotonic() - self._read_at >= FRESH_S:
                self._read, self._read_at = self._reading(), time.monotonic()
            return self._read

    def _reading(self) -> MachineUse:
        memory, (gpu_free, gpu_total) = psutil.virtual_memory(), _gpu()
        resident, share = 0, 0.0
        for process in self._processes():
            try:
                resident += process.memory_info().rss
                share += process.cpu_percent()
            except psutil.Error:  # it has ended
                self._known.pop(process.pid, None)
        return MachineUse(
            memory_bytes=resident,
            memory_free_bytes=memory.available,
            memory_total_bytes=memory.total,
            cpu=min(1.0, share / 100 / (psutil.cpu_count() or 1)),
            gpu_bytes=gpu_total - gpu_free,
            gpu_total_bytes=gpu_total,
        )

    def _processes(self) -> list[psutil.Process]:
        own = psutil.Process()
        present = {process.pid: process for process in (own, *own.children(recursive=True))}
        self._known = {pid: self._known.get(pid, process) for pid, process in present.items()}
        return list(self._known.values())


def _gpu() -> tuple[int, int]:
    """Free and all bytes of the GPU; none while torch is not loaded, which takes seconds."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return 0, 0
    free, total = torch.cuda.mem_get_info()
    return int(free), int(total)
