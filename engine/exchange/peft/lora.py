"""LoRA as HF peft has it."""

import re
from typing import Any

from torch import Tensor

from engine.exchange.refusals import PREFIX, only_plain_lora, same_names
from engine.methods.base import Method, Start
from engine.methods.lora.method import Lora
from engine.methods.lora.spec import LoraSettings
from engine.models.base import Base
from engine.models.family import Family

METHOD = Lora


def write(method: Method) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Config and tensors of our adapter."""
    assert isinstance(method, Lora)
    settings, family = method.settings, method.shape.family
    tensors = {}
    for key in method.a:
        name_a, name_b = _names(family, key)
        tensors[name_a], tensors[name_b] = method.a[key], method.b[key]
    # A pattern, not a list of endings: in BERT "output.dense" ends two different linears.
    paths = "|".join(re.escape(family.linears[role]) for role in method.roles)
    config = {
        "r": settings.rank,
        "lora_alpha": settings.alpha,
        "lora_dropout": settings.dropout,
        "use_rslora": settings.rslora,
        "target_modules": rf"{re.escape(family.layers)}\.\d+\.({paths})",
        "fan_in_fan_out": family.conv1d,
        "bias": "none",
    }
    return config, tensors


def read(config: dict[str, Any], tensors: dict[str, Tensor], base: Base) -> tuple[Method, dict[str, Tensor]]:
    """A method with the right settings, and its values.

    Raises:
        ExchangeError: It computes something that our LoRA does not, or a tensor does not fit.
    """
    only_plain_lora(config)
    family = base.shape.family
    roles = [
        role for role, path in family.linears.items() if f"{PREFIX}{family.layers}.0.{path}.lora_A.weight" in tensors
    ]
    settings = LoraSettings(
        rank=config["r"],
        alpha=float(config["lora_alpha"]),
        targets=" ".join(roles),
        dropout=float(config.get("lora_dropout", 0.0)),
        rslora=bool(config.get("use_rslora", False)),
    )
    method = Lora.build(settings, base.shape, Start.of(base, 0))
    names = {key: _names(family, key) for key in method.a}
    same_names({name for pair in names.values() for name in pair}, set(tensors))
    own = {f"a.{key}": tensors[pair[0]] for key, pair in names.items()}
    return method, own | {f"b.{key}": tensors[pair[1]] for key, pair in names.items()}


def _names(family: Family, key: str) -> tuple[str, str]:
    """Peft's names of one of our updates ("3_q"): those of A and B."""
    layer, role = key.split("_", 1)
    stem = f"{PREFIX}{family.layers}.{layer}.{family.linears[role]}."
    return stem + "lora_A.weight", stem + "lora_B.weight"
