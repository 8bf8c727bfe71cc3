"""Where figures were measured, in words that a page can say."""

import platform

import torch

from engine.models.base import Base


def machine(base: Base) -> str:
    """The device that the base lies on, and PyTorch's version."""
    version = torch.__version__.split("+")[0]
    if base.device.type == "cuda":
        return f"{torch.cuda.get_device_name(base.device)}, PyTorch {version}"
    threads = torch.get_num_threads()
    return f"{threads} thread{'s' if threads > 1 else ''} of {platform.machine()}, PyTorch {version}"
