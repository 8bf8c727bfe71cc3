"""MiSS in HF peft's form: one matrix per linear."""

from typing import Any

from torch import Tensor

from engine.exchange.peft.linears import named, only_plain, only_plain_linears, stem, target_modules, targets
from engine.methods.base import Method, Start
from engine.methods.miss.method import Miss
from engine.methods.miss.spec import MissSettings
from engine.models.base import Base

METHOD = Miss


def write(method: Method) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Peft's config and tensors of an adapter.

    Raises:
        ExchangeError: peft has no linears of this kind.
    """
    assert isinstance(method, Miss)
    family = method.shape.family
    only_plain_linears(family, method.spec.title)
    config = {
        "r": method.settings.rank,
        "miss_dropout": method.settings.dropout,
        "init_weights": True,
        "target_modules": target_modules(family, method.sizes),
        "bias": "none",
    }
    return config, {stem(family, key) + "miss_block": method.blocks[key] for key in method.keys}


def read(config: dict[str, Any], tensors: dict[str, Tensor], base: Base) -> tuple[Method, dict[str, Tensor]]:
    """A new method with the settings of peft's config, and its tensors.

    Raises:
        ExchangeError: It is of another form of MiSS, or a tensor does not fit.
    """
    only_plain(config, {"init_weights": True})
    settings = MissSettings(
        rank=config["r"],
        targets=targets(base, tensors, "miss_block"),
        dropout=float(config.get("miss_dropout", 0.0)),
    )
    method = Miss.build(settings, base.shape, Start.of(base, 0))
    stems = named(base.shape.family, method.keys, ("miss_block",), tensors)
    return method, {f"blocks.{key}": tensors[start + "miss_block"] for key, start in stems.items()}
