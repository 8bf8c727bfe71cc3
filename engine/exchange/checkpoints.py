"""Official LLaMA-Adapter checkpoints of either version: which one an adapter or a file is of."""

from pathlib import Path
from typing import TypeGuard

from engine.exchange.official import export_official, import_official, read_checkpoint
from engine.exchange.official_v2 import QUERY, export_v2, import_v2
from engine.methods.base import Method
from engine.methods.llama_adapter.method import LlamaAdapter
from engine.models.base import Base


def is_v2(method: Method) -> TypeGuard[LlamaAdapter]:
    """Whether V2's form is the one that it can have."""
    return isinstance(method, LlamaAdapter) and method.sees_pictures and method.settings.vision_form != "global"


def export_checkpoint(method: Method, base: Base, path: Path) -> None:
    """Write V2's form of an adapter that reads pictures by queries, v1's of all others.

    Raises:
        ExchangeError: The form cannot hold it without loss.
    """
    if is_v2(method):
        export_v2(method, base, path)
    else:
        export_official(method, path)


def import_checkpoint(
    path: Path, base: Base, *, prompt_len: int = 10, activation: str = "tanh", vision: str = ""
) -> Method:
    """Read a checkpoint of either version; see `import_official` and `import_v2`.

    Raises:
        ExchangeError: It is none, or does not fit the model or the encoder.
    """
    tensors = read_checkpoint(path)
    return import_v2(tensors, base, vision) if QUERY in tensors else import_official(path, base, prompt_len, activation)
