"""OFT in HF peft's form: the numbers above the diagonals of each linear's blocks."""

from typing import Any

from torch import Tensor

from engine.exchange.peft.linears import named, only_plain, only_plain_linears, stem, target_modules, targets
from engine.exchange.refusals import refused
from engine.methods.base import Method, Start
from engine.methods.oft.method import Oft
from engine.methods.oft.spec import OftSettings
from engine.models.base import Base

METHOD = Oft
PART = "oft_R.weight"


def write(method: Method) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Peft's config and tensors of an adapter.

    Raises:
        ExchangeError: peft has no linears of this kind.
    """
    assert isinstance(method, Oft)
    settings, family = method.settings, method.shape.family
    only_plain_linears(family, method.spec.title)
    config = {
        "r": 0,
        "oft_block_size": settings.block,
        "use_cayley_neumann": settings.terms > 0,
        "num_cayley_neumann_terms": settings.terms or 5,
        "target_modules": target_modules(family, method.sizes),
        "bias": "none",
    }
    return config, {stem(family, key) + PART: method.turns[key] for key in method.keys}


def read(config: dict[str, Any], tensors: dict[str, Tensor], base: Base) -> tuple[Method, dict[str, Tensor]]:
    """A new method with the settings of peft's config, and its tensors.

    Raises:
        ExchangeError: It is of another form of OFT, or a tensor does not fit.
    """
    only_plain(config, {"coft": False, "block_share": False, "module_dropout": 0.0})
    if config.get("r"):
        raise refused(f"r={config['r']!r} cannot be read", "save it with r=0 and a size in oft_block_size")
    exact = not config.get("use_cayley_neumann", True)
    settings = OftSettings(
        block=config["oft_block_size"],
        targets=targets(base, tensors, PART),
        terms=0 if exact else int(config.get("num_cayley_neumann_terms", 5)),
    )
    method = Oft.build(settings, base.shape, Start.of(base, 0))
    stems = named(base.shape.family, method.keys, (PART,), tensors)
    return method, {f"turns.{key}": tensors[start + PART] for key, start in stems.items()}
