"""(IA)^3 in HF peft's form: one vector for all of a linear's outputs, or for all of its inputs."""

import re
from typing import Any

import torch
from torch import Tensor

from engine.exchange.refusals import PREFIX, bad_tensor, refused, same_names
from engine.methods.base import Method, Start
from engine.methods.ia3.method import IA3
from engine.methods.ia3.spec import IA3Settings
from engine.models.base import Base
from engine.models.family import Family

METHOD = IA3


def write(method: Method) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Peft's config and tensors of an adapter. Outputs of a fused linear that are not scaled get a factor of one.

    Raises:
        ExchangeError: peft cannot hold it without loss.
    """
    assert isinstance(method, IA3)
    family, inputs = method.shape.family, set(method.at_input)
    outputs = {part.linear for part in method.parts if part.role not in inputs}
    if inputs & outputs:
        raise refused(
            f"HF peft scales a linear at its input or at its output, and this one does both to {min(inputs & outputs)}",
            "train with other inputs, or export as a Gatelight adapter",
        )
    tensors: dict[str, Tensor] = {}
    for layer in range(method.shape.l):
        for part in method.parts:
            name, vector = _name(family, layer, part.linear), method.vectors[f"{layer}_{part.role}"]
            if part.role in inputs:
                tensors[name] = vector[None]
            else:
                size = method.shape.linears[part.linear][1]
                before = tensors.get(name, torch.ones(size, 1, device=vector.device))
                tensors[name] = before + part.scatter(vector - 1, size)[:, None]
    config = {
        "target_modules": _pattern(family, outputs | inputs),
        "feedforward_modules": _pattern(family, inputs) if inputs else [],
        "fan_in_fan_out": family.conv1d,
    }
    return config, tensors


def read(config: dict[str, Any], tensors: dict[str, Tensor], base: Base) -> tuple[Method, dict[str, Tensor]]:
    """A new method with the settings of peft's config, and its tensors. A vector's shape shows what it scales.

    Raises:
        ExchangeError: A tensor does not fit.
    """
    family = base.shape.family
    first = {role: tensors[name] for role in family.linears if (name := _name(family, 0, role)) in tensors}
    if not first:
        raise bad_tensor(_name(family, 0, "down"), "is missing")
    inputs = [role for role, vector in first.items() if vector.shape[0] == 1]
    settings = IA3Settings(targets=" ".join(first), inputs=" ".join(inputs))
    method = IA3.build(settings, base.shape, Start.of(base, 0))
    assert isinstance(method, IA3)
    names = {f"{layer}_{role}": _name(family, layer, role) for layer in range(base.shape.l) for role in first}
    same_names(set(names.values()), set(tensors))
    return method, {f"vectors.{key}": _flat(name, tensors, key.split("_")[1] in inputs) for key, name in names.items()}


def _flat(name: str, tensors: dict[str, Tensor], at_input: bool) -> Tensor:
    """A vector without peft's axis of size one."""
    shape = tensors[name].shape
    if len(shape) != 2 or shape[0 if at_input else 1] != 1:
        raise bad_tensor(name, f"has shape {tuple(shape)}")
    return tensors[name].flatten()


def _name(family: Family, layer: int, role: str) -> str:
    """Name of a linear's vector in peft's files."""
    return f"{PREFIX}{family.layers}.{layer}.{family.linears[role]}.ia3_l"


def _pattern(family: Family, roles: set[str]) -> str:
    """A regex of module paths, not a list of suffixes: in BERT two different linears end in "output.dense"."""
    paths = "|".join(re.escape(path) for role, path in family.linears.items() if role in roles)
    return rf"{re.escape(family.layers)}\.\d+\.({paths})"
