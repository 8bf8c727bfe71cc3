"""LoRA in HF peft's form."""

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
    """Peft's config and tensors of an adapter."""
    assert isinstance(method, Lora)
    settings, family = method.settings, method.shape.family
    tensors = {}
    for key in method.a:
        name_a, name_b = _names(family, key)
        tensors[name_a], tensors[name_b] = method.a[key], method.b[key]
    # A regex, not a list of suffixes: in BERT two different linears end in "output.dense".
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
    """A new method with the settings of peft's config, and its tensors.

    Raises:
        ExchangeError: It computes something that the LoRA here does not, or a tensor does not fit.
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
    a = {f"a.{key}": tensors[name_a] for key, (name_a, _) in names.items()}
    b = {f"b.{key}": tensors[name_b] for key, (_, name_b) in names.items()}
    return method, a | b


def _names(family: Family, key: str) -> tuple[str, str]:
    """Names of the A and B of one low-rank update ("3_q") in peft's files."""
    layer, role = key.split("_", 1)
    stem = f"{PREFIX}{family.layers}.{layer}.{family.linears[role]}."
    return stem + "lora_A.weight", stem + "lora_B.weight"
