"""Export to and import from HF peft directories: `adapter_config.json` and `adapter_model.safetensors`.

What peft cannot hold without loss is refused with an error that states the fix. peft itself is not needed.
Each type of peft adapter has one file here and one row in `PEFT_FORMATS`.
"""

import re
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from engine.core.atomic import write_json
from engine.core.errors import ExchangeError
from engine.core.plain_json import loads
from engine.core.tensors import write_tensors
from engine.exchange.native import put_tensors
from engine.exchange.peft import (
    adalora,
    adaption_prompt,
    ia3,
    lora,
    miss,
    oft,
    p_tuning,
    prefix_tuning,
    prompt_tuning,
    shira,
    vera,
)
from engine.exchange.peft.heads import read_head, write_head
from engine.exchange.refusals import refused
from engine.methods.base import Method
from engine.models.base import Base


class PeftFormat(Protocol):
    """How one type of adapter is written for peft and read from it."""

    @property
    def METHOD(self) -> type[Method]:
        """The method that it corresponds to."""

    def write(self, method: Method) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Config and tensors of a folded adapter, in peft's names."""

    def read(self, config: dict[str, Any], tensors: dict[str, Tensor], base: Base) -> tuple[Method, dict[str, Tensor]]:
        """A new method with the settings of peft's config, and the values of its `method_tensors`."""


PEFT_FORMATS: dict[str, PeftFormat] = {
    "ADAPTION_PROMPT": adaption_prompt,
    "LORA": lora,
    "ADALORA": adalora,
    "VERA": vera,
    "MISS": miss,
    "SHIRA": shira,
    "OFT": oft,
    "IA3": ia3,
    "PREFIX_TUNING": prefix_tuning,
    "PROMPT_TUNING": prompt_tuning,
    "P_TUNING": p_tuning,
}
"""By `peft_type`."""


def kind_of(cls: type[Method]) -> str:
    """The `peft_type` that a method corresponds to.

    Raises:
        ExchangeError: peft has none.
    """
    kind = next((kind for kind, form in PEFT_FORMATS.items() if issubclass(cls, form.METHOD)), None)
    if kind is None:
        raise refused(f"HF peft has no counterpart of {cls.spec.title}", "export as a Gatelight adapter")
    return kind


def as_peft(method: Method) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Config and tensors of an adapter as peft has them.

    Raises:
        ExchangeError: peft cannot hold this adapter without loss.
    """
    kind = kind_of(type(method))
    task, head = write_head(kind, method)
    config, tensors = PEFT_FORMATS[kind].write(method.folded())
    return {"peft_type": kind, **config, "inference_mode": True, **task}, tensors | head


def export_peft(method: Method, base: Base, folder: Path) -> None:
    """Write a directory that `PeftModel.from_pretrained` loads with equal logits.

    Raises:
        ExchangeError: peft cannot hold this adapter without loss.
    """
    config, tensors = as_peft(method)
    name = base.model.config.name_or_path or base.name
    write_json(folder / "adapter_config.json", {**config, "base_model_name_or_path": name})
    write_tensors(folder / "adapter_model.safetensors", tensors)


def import_peft(folder: Path, base: Base) -> Method:
    """Read a peft directory.

    Raises:
        ExchangeError: It uses something that the method here does not have, or tensors do not fit.
    """
    try:
        config = loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        tensors = load_file(folder / "adapter_model.safetensors")
        # Saved as a plain state of the model, names hold that of the adapter, which peft leaves out.
        tensors = {re.sub(r"\.default(?=\.weight$|$)", "", name): tensor for name, tensor in tensors.items()}
        if not isinstance(config, dict):
            raise ValueError("adapter_config.json is not a mapping")
    except (OSError, ValueError, SafetensorError) as error:
        raise ExchangeError(
            "no_adapter",
            f"The folder {folder.name!r} holds no adapter: {error}",
            name=folder.name,
            reason=str(error),
        ) from error
    kind = str(config.get("peft_type"))
    if kind not in PEFT_FORMATS:
        raise refused(f"adapters of type {kind} cannot be read", f"choose {', '.join(PEFT_FORMATS)}")
    try:
        spec, config, tensors, head = read_head(kind, config, tensors, base)
        method, method_tensors = PEFT_FORMATS[kind].read(config, tensors, base)
    except KeyError as error:
        raise refused(f"adapter_config.json has no entry {error}", "save it again with HF peft") from error
    except (TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RuntimeError) as error:
        raise refused(f"adapter_config.json has an entry of another kind ({error})", "save it with HF peft") from error
    method.with_head(spec, torch.Generator())
    method.fold()
    put_tensors(method, method_tensors | head, "adapter_model.safetensors")
    return method.to(base.device)
