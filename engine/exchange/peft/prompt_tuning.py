"""Prompt tuning in HF peft's form: virtual tokens in front of the text, whose positions are shifted."""

from typing import Any

from torch import Tensor

from engine.exchange.refusals import refused, same_names
from engine.methods.base import Method, Start
from engine.methods.prompt.method import PromptTuning
from engine.methods.prompt.spec import PromptSettings
from engine.models.base import Base
from engine.models.shape import ModelShape

METHOD = PromptTuning


def write(method: Method) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Peft's config and tensors of an adapter.

    Raises:
        ExchangeError: peft cannot hold it without loss.
    """
    assert isinstance(method, PromptTuning)
    settings = method.settings
    config = soft_config(method.shape, settings.prompt_len, shifted=settings.shift_positions)
    return config | {"prompt_tuning_init": "RANDOM"}, {"prompt_embeddings": method.prompts}


def soft_config(shape: ModelShape, tokens: int, *, shifted: bool) -> dict[str, Any]:
    """The part of peft's config that all methods with virtual tokens in front of the text share.

    Raises:
        ExchangeError: peft has none for such a model, or has the text at other positions.
    """
    if not shape.family.causal:
        raise refused("HF peft has no prompt tuning for masked language models", "export as a Gatelight adapter")
    if shape.family.positions == "learned" and not shifted:
        raise refused(
            "HF peft pushes the text's positions back, and this prompt was trained without that",
            "train with shift_positions=true, or export as a Gatelight adapter",
        )
    return {
        "num_virtual_tokens": tokens,
        "token_dim": shape.d,
        "num_layers": shape.l,
        "num_attention_heads": shape.h,
        "num_transformer_submodules": 1,
    }


def read(config: dict[str, Any], tensors: dict[str, Tensor], base: Base) -> tuple[Method, dict[str, Tensor]]:
    """A new method with the settings of peft's config, and its tensors.

    Raises:
        ExchangeError: A tensor does not fit.
    """
    settings = PromptSettings(prompt_len=config["num_virtual_tokens"], init="random", shift_positions=True)
    same_names({"prompt_embeddings"}, set(tensors))
    return PromptTuning.build(settings, base.shape, Start.of(base, 0)), {"prompts": tensors["prompt_embeddings"]}
