"""LoRA in HF peft's form: ranks and scales by pattern, DoRA's magnitudes, starts from the frozen weights."""

import re
from typing import Any

import torch
from torch import Tensor

from engine.exchange.peft.lora_patterns import patterns_for_peft, said_by_peft
from engine.exchange.refusals import PREFIX, only_known_lora, refused, same_names
from engine.methods.base import Method, Start
from engine.methods.lora.method import Lora
from engine.methods.lora.spec import FROM_WEIGHTS, LoraSettings
from engine.models.base import Base
from engine.models.family import Family

METHOD = Lora
MAGNITUDE = "lora_magnitude_vector"
STARTS = {True: "kaiming", "True": "kaiming", "gaussian": "gaussian", "pissa": "pissa", "olora": "olora"}
"""Ours by peft's `init_lora_weights`; others are as good as "kaiming" for an adapter that has been trained."""


def write(method: Method) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Peft's config and tensors of a folded adapter.

    One that started from the frozen weights is written as a plain LoRA of twice the rank on the untouched base, as peft
    itself converts it (`path_initial_model_for_weight_conversion`).
    """
    assert isinstance(method, Lora)
    settings, family = method.settings, method.shape.family
    tensors = {}
    for place in method.places:
        stem = _stem(family, place.layer, place.role)
        tensors[stem + "lora_A.weight"] = method.a[place.key]
        tensors[stem + "lora_B.weight"] = method.b[place.key]
        if settings.dora:
            tensors[stem + MAGNITUDE] = method.magnitudes[place.key]
    # A regex, not a list of suffixes: in BERT two different linears end in "output.dense".
    paths = "|".join(
        re.escape(f"{family.layers}.{place.layer}.{family.linears[place.role]}") for place in method.places
    )
    config = {
        **patterns_for_peft(method),
        "lora_dropout": settings.dropout,
        "use_rslora": settings.rslora,
        "use_dora": settings.dora,
        "init_lora_weights": settings.init if settings.init == "gaussian" else True,
        "target_modules": paths,
        "fan_in_fan_out": family.conv1d,
        "bias": "none",
    }
    return config, tensors


def read(config: dict[str, Any], tensors: dict[str, Tensor], base: Base) -> tuple[Method, dict[str, Tensor]]:
    """A new method with the settings of peft's config, and its tensors.

    Raises:
        ExchangeError: It computes something that the LoRA here does not, or a tensor does not fit.
    """
    only_known_lora(config)
    family = base.shape.family
    tensors = {re.sub(rf"(?<={MAGNITUDE})\.weight$", "", name): tensor for name, tensor in tensors.items()}
    ranks = _ranks(family, tensors)
    if not ranks:
        raise refused(f"none of its tensors belongs to a layer of a {base.shape.model_type} model", "check the model")
    settings = LoraSettings(
        **said_by_peft(config, ranks, family, base.shape.l),
        dropout=float(config.get("lora_dropout", 0.0)),
        rslora=bool(config.get("use_rslora", False)),
        dora=bool(config.get("use_dora", False)),
        init=STARTS.get(config.get("init_lora_weights", True), "kaiming"),
    )
    start = Start.of(base, 0)
    method = Lora.build(settings, base.shape, start)
    if settings.init in FROM_WEIGHTS:
        list(method.warm_up(start))
    stems = {place.key: _stem(family, place.layer, place.role) for place in method.places}
    parts = ["lora_A.weight", "lora_B.weight", *([MAGNITUDE] if settings.dora else [])]
    same_names({stem + part for stem in stems.values() for part in parts}, set(tensors))
    with torch.no_grad():
        return method, _values(method, stems, tensors)


def _values(method: Lora, stems: dict[str, str], tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Values of the folded method's tensors: what the file holds, less the start that peft took out of the base."""
    out = {}
    for key, stem in stems.items():
        a, b = tensors[stem + "lora_A.weight"], tensors[stem + "lora_B.weight"]
        if method.starts is not None and a.shape == method.a[key].shape and b.shape == method.b[key].shape:
            method.a[key].copy_(a)
            method.b[key].copy_(b)
            a, b = method.pair(key)
        out[f"a.{key}"], out[f"b.{key}"] = a, b
        if method.settings.dora:
            out[f"magnitudes.{key}"] = tensors[stem + MAGNITUDE]
    return out


def _ranks(family: Family, tensors: dict[str, Tensor]) -> dict[tuple[int, str], int]:
    """The rank of every linear that has an update in peft's files, by layer and role."""
    stem = re.compile(rf"{re.escape(PREFIX + family.layers)}\.(\d+)\.(.+)\.lora_A\.weight")
    roles = {path: role for role, path in family.linears.items()}
    found = [(match, tensor) for name, tensor in tensors.items() if (match := stem.fullmatch(name))]
    return {(int(match[1]), roles[match[2]]): len(tensor) for match, tensor in found if match[2] in roles}


def _stem(family: Family, layer: int, role: str) -> str:
    """What the names of a linear's tensors begin with in peft's files."""
    return f"{PREFIX}{family.layers}.{layer}.{family.linears[role]}."
