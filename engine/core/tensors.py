"""Atomic writes of safetensors files."""

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from engine.core.atomic import replacing
from engine.core.writing import writing


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write under a temporary name, then rename.

    Raises:
        NotWrittenError: The disk is full, for instance; the old file is as it was.
    """
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with writing(path), replacing(path) as temporary:
        save_file(whole, temporary)
