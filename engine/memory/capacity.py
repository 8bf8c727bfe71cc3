"""Memory of the device, and whether a run fits into it."""

from dataclasses import dataclass

import psutil
import torch

FITS_UP_TO = 1 / 1.15
"""Share of the free memory up to which a run fits: the estimate's margin of error is 15 %."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceMemory:
    """Memory of the device that a run will use.

    Attributes:
        device: "cuda" or "cpu".
        free: Bytes available to a new process; on a CPU, without swapping.
        total: All bytes of the device.
    """

    device: str
    free: int
    total: int

    @classmethod
    def of(cls, device: str, held: int = 0) -> "DeviceMemory":
        """This machine's CPU or GPU; `held` bytes of it are taken by the base that the run will use."""
        if device == "cuda":
            free, total = torch.cuda.mem_get_info()
            # memory that torch has reserved but not allocated is available to the run
            free += torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
            return cls(device="cuda", free=free + held, total=total)
        memory = psutil.virtual_memory()
        return cls(device="cpu", free=memory.available + held, total=memory.total)


def fit_of(needed: int, free: int) -> str:
    """Either "fits", including the estimate's margin of error, or "tight", excluding it, or "will not fit"."""
    if needed <= free * FITS_UP_TO:
        return "fits"
    return "tight" if needed <= free else "will not fit"
