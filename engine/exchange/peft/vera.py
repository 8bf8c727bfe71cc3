"""VeRA in HF peft's form: two vectors per linear, and the shared random matrices beside them."""

from typing import Any

import torch
from torch import Tensor

from engine.exchange.peft.linears import named, only_plain, stem, target_modules, targets
from engine.exchange.refusals import refused
from engine.methods.base import Method, Start
from engine.methods.vera.method import VeRA
from engine.methods.vera.spec import VeraSettings
from engine.models.base import Base

METHOD = VeRA
SHARED_A, SHARED_B = "base_model.vera_A", "base_model.vera_B"


def write(method: Method) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Peft's config and tensors of an adapter, with the random matrices."""
    assert isinstance(method, VeRA)
    settings, family = method.settings, method.shape.family
    tensors = {SHARED_A: method.projection_a, SHARED_B: method.projection_b}
    for key in method.keys:
        tensors[stem(family, key) + "vera_lambda_d"] = method.d[key]
        tensors[stem(family, key) + "vera_lambda_b"] = method.b[key]
    config = {
        "r": settings.rank,
        "d_initial": settings.d_initial,
        "vera_dropout": settings.dropout,
        "projection_prng_key": settings.projection_seed,
        "save_projection": True,
        "target_modules": target_modules(family, method.sizes),
        "fan_in_fan_out": family.conv1d,
        "bias": "none",
    }
    return config, tensors


def read(config: dict[str, Any], tensors: dict[str, Tensor], base: Base) -> tuple[Method, dict[str, Tensor]]:
    """A new method with the settings of peft's config, and its tensors.

    Raises:
        ExchangeError: A tensor does not fit, or the random matrices are not those of the config's number.
    """
    only_plain(config, {})
    settings = VeraSettings(
        rank=config["r"],
        targets=targets(base, tensors, "vera_lambda_d"),
        dropout=float(config.get("vera_dropout", 0.0)),
        d_initial=float(config.get("d_initial", 0.1)),
        projection_seed=int(config.get("projection_prng_key", 0)),
    )
    method = VeRA.build(settings, base.shape, Start.of(base, 0))
    own = {SHARED_A: method.projection_a, SHARED_B: method.projection_b}
    rest = {name: tensor for name, tensor in tensors.items() if name not in own}
    for name, expected in own.items():
        if name in tensors and (
            tensors[name].shape != expected.shape or not torch.allclose(tensors[name].float(), expected, atol=1e-2)
        ):
            raise refused(f"{name} is not drawn from projection_prng_key", "train it with the matrices of its number")
    stems = named(base.shape.family, method.keys, ("vera_lambda_d", "vera_lambda_b"), rest)
    d = {f"d.{key}": rest[start + "vera_lambda_d"] for key, start in stems.items()}
    return method, d | {f"b.{key}": rest[start + "vera_lambda_b"] for key, start in stems.items()}
