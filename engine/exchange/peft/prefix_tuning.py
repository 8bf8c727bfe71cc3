"""Prefix tuning and P-tuning v2 in HF peft's form: one table with a row per virtual token; text positions are shifted.

Column (2 layer + {0: keys, 1: values}) g k + head k + j, with g key/value heads. A reparametrisation is folded.
"""

from typing import Any

import torch
from torch import Tensor

from engine.exchange.refusals import has_shape, refused, same_names
from engine.methods.base import Method, Start
from engine.methods.prefix.method import PrefixTuning
from engine.methods.prefix.spec import PrefixSettings
from engine.models.base import Base

METHOD = PrefixTuning


def write(method: Method) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Peft's config and tensors of an adapter.

    Raises:
        ExchangeError: peft cannot hold it without loss.
    """
    assert isinstance(method, PrefixTuning)
    settings, shape = method.settings, method.shape
    if not shape.family.causal:
        raise refused("HF peft has no prefix tuning for masked language models", "export as a Gatelight adapter")
    if not method.shifts_text:
        raise refused(
            "HF peft pushes the text's positions back, and this prefix was trained without that",
            "train with shift_positions=true, or export as a Gatelight adapter",
        )
    if len(method.layers) < shape.l:
        raise refused(
            "HF peft's prefix stands in every layer", "train with layers empty, or export as a Gatelight adapter"
        )
    tensors = method.method_tensors()
    table = torch.stack([tensors["keys"], tensors["values"]], dim=1)  # (l, 2, g, p, k)
    config = {
        "num_virtual_tokens": settings.prompt_len,
        "token_dim": shape.g * shape.k,
        "num_layers": shape.l,
        "num_attention_heads": shape.g,
        "num_transformer_submodules": 1,
        "encoder_hidden_size": shape.d,
        "prefix_projection": False,
    }
    return config, {"prompt_embeddings": table.permute(3, 0, 1, 2, 4).flatten(1)}


def read(config: dict[str, Any], tensors: dict[str, Tensor], base: Base) -> tuple[Method, dict[str, Tensor]]:
    """A new method with the settings of peft's config, and its tensors.

    Raises:
        ExchangeError: A tensor does not fit.
    """
    shape = base.shape
    settings = PrefixSettings(
        prompt_len=config["num_virtual_tokens"],
        reparametrisation="flat",
        shift_positions=shape.family.positions == "learned",
    )
    same_names({"prompt_embeddings"}, set(tensors))
    sizes = (shape.l, 2, shape.g, shape.k)
    has_shape("prompt_embeddings", tensors, (settings.prompt_len, shape.l * 2 * shape.g * shape.k))
    table = tensors["prompt_embeddings"].unflatten(1, sizes).permute(1, 2, 3, 0, 4)  # (l, 2, g, p, k)
    keys, values = table.unbind(1)
    return PrefixTuning.build(settings, shape, Start.of(base, 0)), {"keys": keys, "values": values}
