"""AdaLoRA in HF peft's form: P, lambda and Q are its lora_B, lora_E and lora_A; triplets that were cut are left out."""

import re
from typing import Any

import torch
from torch import Tensor

from engine.exchange.refusals import PREFIX, bad_tensor, only_known_lora, refused, same_names
from engine.methods.adalora.method import AdaLora
from engine.methods.adalora.spec import AdaLoraSettings
from engine.methods.base import Method, Start
from engine.models.base import Base
from engine.models.family import Family

METHOD = AdaLora
PARTS = {"q": "lora_A", "e": "lora_E", "p": "lora_B"}


def write(method: Method) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Peft's config and tensors of a folded adapter, with all of its triplets: lambda is 0 where they were cut."""
    assert isinstance(method, AdaLora)
    settings, family = method.settings, method.shape.family
    tensors = {}
    for key in method.e:
        stem = _stem(family, key)
        tensors[stem + "lora_A"], tensors[stem + "lora_B"] = method.q[key], method.p[key]
        tensors[stem + "lora_E"] = method.e[key][:, None]
    paths = "|".join(re.escape(family.linears[role]) for role in method.roles)
    config = {
        "init_r": settings.rank,
        "target_r": settings.target_rank,
        "lora_alpha": settings.alpha,
        "lora_dropout": settings.dropout,
        "beta1": settings.beta_sensitivity,
        "beta2": settings.beta_uncertainty,
        "orth_reg_weight": settings.orthogonality,
        "deltaT": settings.every,
        "total_step": 1,  # peft asks for one; an adapter that has been trained has no use for it
        "target_modules": rf"{re.escape(family.layers)}\.\d+\.({paths})",
        "fan_in_fan_out": family.conv1d,
        "bias": "none",
    }
    return config, tensors


def read(config: dict[str, Any], tensors: dict[str, Tensor], base: Base) -> tuple[Method, dict[str, Tensor]]:
    """A new method with the settings of peft's config, and its tensors; triplets that were cut come back as zeros.

    Raises:
        ExchangeError: It computes something that the AdaLoRA here does not, or a tensor does not fit.
    """
    only_known_lora({**config, "rank_pattern": None})
    family, rank = base.shape.family, int(config["init_r"])
    tensors = {name.removesuffix(".weight"): tensor for name, tensor in tensors.items()}
    roles = [role for role in family.linears if _stem(family, f"0_{role}") + "lora_E" in tensors]
    if not roles:
        raise refused(f"none of its tensors belongs to the first layer of a {base.shape.model_type} model", "check it")
    settings = AdaLoraSettings(
        rank=rank,
        target_rank=min(int(config.get("target_r", rank)), rank),
        alpha=float(config.get("lora_alpha") or rank),
        targets=" ".join(roles),
        dropout=float(config.get("lora_dropout", 0.0)),
        orthogonality=float(config.get("orth_reg_weight", 0.5)),
        beta_sensitivity=float(config.get("beta1", 0.85)),
        beta_uncertainty=float(config.get("beta2", 0.85)),
        every=int(config.get("deltaT", 1)),
    )
    method = AdaLora.build(settings, base.shape, Start.of(base, 0))
    assert isinstance(method, AdaLora)
    stems = {key: _stem(family, key) for key in method.e}
    same_names({stem + part for stem in stems.values() for part in PARTS.values()}, set(tensors))
    return method, {
        f"{part}.{key}": _whole(part, stem + name, tensors, rank)
        for key, stem in stems.items()
        for part, name in PARTS.items()
    }


def _whole(part: str, name: str, tensors: dict[str, Tensor], rank: int) -> Tensor:
    """A part of all triplets, those that are left first."""
    tensor = tensors[name]
    if tensor.ndim != 2 or tensor.shape[1 if part == "p" else 0] > rank:
        raise bad_tensor(name, f"has shape {tuple(tensor.shape)}")
    tensor = tensor[:, 0] if part == "e" else tensor
    cut = rank - (tensor.shape[1] if part == "p" else len(tensor))
    axis = 1 if part == "p" else 0
    return torch.cat([tensor, tensor.new_zeros((len(tensor), cut) if axis else (cut, *tensor.shape[1:]))], dim=axis)


def _stem(family: Family, key: str) -> str:
    """What the names of a linear's tensors ("3_q") begin with in peft's files."""
    layer, role = key.split("_", 1)
    return f"{PREFIX}{family.layers}.{layer}.{family.linears[role]}."
