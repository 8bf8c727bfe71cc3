"""LLaMA-Adapter in HF peft's form: one gate per layer, no tanh."""

from typing import Any

import torch
from torch import Tensor

from engine.exchange.refusals import PREFIX, has_shape, refused, same_names
from engine.methods.base import Method, Start
from engine.methods.llama_adapter.method import LlamaAdapter
from engine.methods.llama_adapter.spec import LlamaAdapterSettings
from engine.models.base import Base
from engine.models.shape import ModelShape

METHOD = LlamaAdapter


def write(method: Method) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Peft's config and tensors of an adapter.

    Raises:
        ExchangeError: peft cannot hold it without loss.
    """
    assert isinstance(method, LlamaAdapter)
    settings, family = method.settings, method.shape.family
    if not _agrees(method.shape):
        raise refused(
            f"HF peft has no LLaMA-Adapter for this {method.shape.model_type} model",
            "export as a Gatelight adapter",
        )
    if tuned := settings.beyond_v1:
        raise refused(
            f"HF peft has no place for what {', '.join(tuned)} trained",
            f"train without {', '.join(tuned)}, or export as a Gatelight adapter",
        )
    if method.gates is None or settings.gate == "per_head":
        raise refused(
            "HF peft has one gate per layer, and this adapter has "
            + ("none" if method.gates is None else f"{method.shape.h}"),
            "train with gate=per_layer, or export as a Gatelight adapter or as an official LLaMA-Adapter checkpoint",
        )
    gates = method.gates.tanh() if settings.activation == "tanh" else method.gates
    tensors = {}
    for row in range(len(method.prompts)):
        stem = f"{PREFIX}{family.layers}.{method.first_layer + row}.{family.attention}."
        tensors[stem + "adaption_prompt"] = method.prompts[row][None]
        tensors[stem + "adaption_gate"] = gates[row]
    config = {
        "adapter_len": settings.prompt_len,
        "adapter_layers": len(method.prompts),
        "target_modules": family.attention,
    }
    return config, tensors


def _agrees(shape: ModelShape) -> bool:
    """Whether peft computes on such a model what the method does here."""
    return "adaption_prompt" in shape.family.adapter_formats and shape.k * shape.h == shape.d


def read(config: dict[str, Any], tensors: dict[str, Tensor], base: Base) -> tuple[Method, dict[str, Tensor]]:
    """A new method with the settings of peft's config, and its tensors.

    Raises:
        ExchangeError: A tensor does not fit, or peft computes something else on this model.
    """
    if not _agrees(base.shape):
        raise refused(
            f"HF peft's adaption prompt on a {base.shape.model_type} model computes something else than LLaMA-Adapter, "
            "such as adding it behind the attention's output projection",
            "train it here anew, or use it with peft",
        )
    settings = LlamaAdapterSettings(
        prompt_len=config["adapter_len"],
        layers=config["adapter_layers"],
        gate="per_layer",
        activation="identity",
    )
    method = LlamaAdapter.build(settings, base.shape, Start.of(base, 0))
    family = base.shape.family
    stems = [
        f"{PREFIX}{family.layers}.{layer}.{family.attention}." for layer in range(method.first_layer, base.shape.l)
    ]
    wanted = {stem + name for stem in stems for name in ("adaption_prompt", "adaption_gate")}
    same_names(wanted, set(tensors))
    for stem in stems:
        has_shape(stem + "adaption_prompt", tensors, (1, *method.prompts.shape[1:]))
        has_shape(stem + "adaption_gate", tensors, (1,))
    return method, {
        "prompts": torch.cat([tensors[stem + "adaption_prompt"] for stem in stems]),
        "gates": torch.stack([tensors[stem + "adaption_gate"] for stem in stems]),
    }
