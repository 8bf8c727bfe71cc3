"""SHiRA in HF peft's form: the values of a sparse matrix, and the row and column of each."""

from typing import Any

import torch
from torch import Tensor

from engine.exchange.peft.linears import named, only_plain, only_plain_linears, stem, target_modules, targets
from engine.exchange.refusals import bad_tensor
from engine.methods.base import Method, Start
from engine.methods.shira.method import Shira
from engine.methods.shira.spec import ShiraSettings
from engine.models.base import Base

METHOD = Shira


def write(method: Method) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Peft's config and tensors of an adapter.

    Raises:
        ExchangeError: peft has no linears of this kind.
    """
    assert isinstance(method, Shira)
    family, tensors = method.shape.family, {}
    only_plain_linears(family, method.spec.title)
    for key in method.keys:
        inputs, flat = method.sizes[key.split("_", 1)[1]][0], method.indices(key)
        tensors[stem(family, key) + "shira_weight"] = method.values[key]
        tensors[stem(family, key) + "shira_indices"] = torch.stack([flat // inputs, flat % inputs]).int()
    config = {
        "r": method.settings.rank,
        "mask_type": "random",
        "target_modules": target_modules(family, method.sizes),
    }
    return config, tensors


def read(config: dict[str, Any], tensors: dict[str, Tensor], base: Base) -> tuple[Method, dict[str, Tensor]]:
    """A new method with the settings of peft's config, and its tensors; the places are those of the file.

    Raises:
        ExchangeError: A tensor does not fit.
    """
    only_plain(config, {})
    settings = ShiraSettings(
        rank=config["r"],
        targets=targets(base, tensors, "shira_weight"),
    )
    method = Shira.build(settings, base.shape, Start.of(base, 0))
    assert isinstance(method, Shira)
    out = {}
    for key, start in named(base.shape.family, method.keys, ("shira_weight", "shira_indices"), tensors).items():
        name, (inputs, outputs) = start + "shira_indices", method.sizes[key.split("_", 1)[1]]
        places = tensors[name].long()  # peft writes them as fp32 on Windows
        size = torch.tensor([[outputs], [inputs]])
        if places.ndim != 2 or len(places) != 2 or bool((places < 0).any()) or bool((places >= size).any()):
            raise bad_tensor(name, f"holds no places in a matrix of {outputs} by {inputs}")
        flat, order = (places[0] * inputs + places[1]).sort()
        if len(tensors[start + "shira_weight"]) != len(flat):
            raise bad_tensor(start + "shira_weight", f"has not {len(flat)} values")
        out[f"values.{key}"], out[f"places.{key}"] = tensors[start + "shira_weight"][order], flat.int()
    return method, out
