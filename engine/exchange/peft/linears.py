"""What peft's formats of methods on linears share: names of tensors, target modules, entries that must be plain."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from engine.exchange.refusals import PREFIX, refused, same_names
from engine.models.base import Base
from engine.models.family import Family

PLAIN: dict[str, object] = {"bias": "none", "modules_to_save": None}
"""Entries that every such config has, with the value that leaves its computation unchanged."""


def stem(family: Family, key: str) -> str:
    """What the names of a linear's tensors begin with in peft's files; the key is layer and role, as in "3_q"."""
    layer, role = key.split("_", 1)
    return f"{PREFIX}{family.layers}.{layer}.{family.linears[role]}."


def target_modules(family: Family, roles: Mapping[str, object]) -> str:
    """A regex of module paths, not a list of suffixes: in BERT two different linears end in "output.dense"."""
    paths = "|".join(re.escape(family.linears[role]) for role in roles)
    return rf"{re.escape(family.layers)}\.\d+\.({paths})"


def targets(base: Base, tensors: Mapping[str, Tensor], part: str) -> str:
    """The setting `targets`: roles whose linear in the first layer has that part in peft's file.

    Raises:
        ExchangeError: None has.
    """
    family = base.shape.family
    roles = [role for role in family.linears if stem(family, f"0_{role}") + part in tensors]
    if not roles:
        reason = f"none of its tensors belongs to the first layer of a {base.shape.model_type} model"
        raise refused(reason, "check the model, and that all of its layers are adapted")
    return " ".join(roles)


def only_plain(config: Mapping[str, Any], plain: Mapping[str, object]) -> None:
    """Refuse a config with an entry that changes what is computed here.

    Raises:
        ExchangeError: It has one.
    """
    for name, value in {**PLAIN, **plain}.items():
        if config.get(name, value) not in (value, None):
            raise refused(f"{name}={config[name]!r} cannot be read", f"save it with {name}={value!r}")


def named(family: Family, keys: list[str], parts: tuple[str, ...], tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """The stem of every linear, when the file has just these parts of all of them.

    Raises:
        ExchangeError: A tensor is missing, or does not belong there.
    """
    stems = {key: stem(family, key) for key in keys}
    same_names({start + part for start in stems.values() for part in parts}, set(tensors))
    return stems


def only_plain_linears(family: Family, title: str) -> None:
    """Refuse GPT-2's transposed linears, where peft takes torch's alone.

    Raises:
        ExchangeError: The family has those.
    """
    if family.conv1d:
        raise refused(f"{title} of HF peft takes no Conv1D, which this model has", "export as a Gatelight adapter")
