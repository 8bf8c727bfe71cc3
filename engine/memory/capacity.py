"""How much memory the device has, and whether a run fits into it."""

from dataclasses import dataclass

import psutil
import torch

FITS_UP_TO = 1 / 1.15
"""Share of the free memory up to which a run fits: even if the estimate were 15 % short, which is its margin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceMemory:
    """Memory of the device that a run will use.

    Attributes:
        device: "cuda" or "cpu".
        free: Bytes that a new program can have. On a CPU what the system can give without swapping.
        total: All there is.
    """

    device: str
    free: int
    total: int

    @classmethod
    def of(cls, device: str, held: int = 0) -> "DeviceMemory":
        """This machine's CPU or GPU; `held` bytes of it are taken by the very base that the run will use."""
        if device == "cuda":
            free, total = torch.cuda.mem_get_info()
            # what torch keeps for itself without using it is free for the run
            free += torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
            return cls(device="cuda", free=free + held, total=total)
        memory = psutil.virtual_memory()
        return cls(device="cpu", free=memory.available + held, total=memory.total)


def fit_of(needed: int, free: int) -> str:
    """Either "fits", with the estimate's margin to spare, or "tight", without, or "will not fit"."""
    if needed <= free * FITS_UP_TO:
        return "fits"
    return "tight" if needed <= free else "will not fit"
