"""HF peft directories, out and in: `adapter_config.json` and `adapter_model.safetensors`.

What peft cannot hold without loss is refused with a sentence that offers the way out. peft itself is not needed.
"""

import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from engine.errors import ExchangeError
from engine.exchange.native import put_tensors
from engine.methods.base import Method, Start
from engine.methods.llama_adapter import LlamaAdapter, LlamaAdapterSettings
from engine.methods.lora import Lora, LoraSettings
from engine.methods.prompt import PromptSettings, PromptTuning
from engine.models.base import Base
from engine.models.families import Family
from engine.runs.store import write_json, write_tensors

PREFIX = "base_model.model."


def export_peft(method: Method, base: Base, folder: Path) -> None:
    """Write a directory that `PeftModel.from_pretrained` loads with equal logits.

    Raises:
        ExchangeError: peft cannot hold this adapter without loss.
    """
    match method:
        case LlamaAdapter():
            config, tensors = _adaption_prompt(method)
        case Lora():
            config, tensors = _lora(method)
        case PromptTuning():
            config, tensors = _prompt(method)
        case _:
            raise _refused(f"HF peft has no counterpart of {method.title}", "export in our own format")
    task = {"task_type": "CAUSAL_LM"} if base.shape.family.causal else {}
    facts = {"base_model_name_or_path": base.model.config.name_or_path or base.name, "inference_mode": True, **task}
    write_json(folder / "adapter_config.json", {**config, **facts})
    write_tensors(folder / "adapter_model.safetensors", tensors)


def import_peft(folder: Path, base: Base) -> Method:
    """Read a peft directory.

    Raises:
        ExchangeError: It uses something that our method does not have, or tensors do not fit.
    """
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        tensors = load_file(folder / "adapter_model.safetensors")
    except (OSError, ValueError, SafetensorError) as error:
        raise ExchangeError(
            "no_adapter", f"The folder {folder.name!r} holds no adapter: {error}", name=folder.name, reason=str(error)
        ) from error
    match config.get("peft_type"):
        case "ADAPTION_PROMPT":
            method, own = _from_adaption_prompt(config, tensors, base)
        case "LORA":
            method, own = _from_lora(config, tensors, base)
        case "PROMPT_TUNING":
            method, own = _from_prompt(config, tensors, base)
        case other:
            raise _refused(f"adapters of type {other} cannot be read", "choose ADAPTION_PROMPT, LORA or PROMPT_TUNING")
    put_tensors(method, own, "adapter_model.safetensors")
    return method


def _adaption_prompt(method: LlamaAdapter) -> tuple[dict[str, Any], dict[str, Tensor]]:
    settings, family = method.settings, method.shape.family
    if method.shape.model_type not in ("llama", "mistral") or method.shape.k * method.shape.h != method.shape.d:
        raise _refused(
            f"HF peft has no LLaMA-Adapter for this {method.shape.model_type} model", "export in our own format"
        )
    if method.gates is None or settings.gate == "per_head":
        raise _refused(
            "HF peft has one gate per layer, and this adapter has "
            + ("none" if method.gates is None else f"{method.shape.h}"),
            "train with gate=per_layer, or export in our own format or as an official LLaMA-Adapter checkpoint",
        )
    gates = method.gates.tanh() if settings.activation == "tanh" else method.gates
    tensors = {}
    for row in range(len(method.prompts)):
        stem = f"{PREFIX}{family.layers}.{method.first_layer + row}.{family.attention}."
        tensors[stem + "adaption_prompt"] = method.prompts[row][None]
        tensors[stem + "adaption_gate"] = gates[row]
    config = {
        "peft_type": "ADAPTION_PROMPT",
        "adapter_len": settings.prompt_len,
        "adapter_layers": len(method.prompts),
        "target_modules": family.attention,
    }
    return config, tensors


def _from_adaption_prompt(
    config: dict[str, Any], tensors: dict[str, Tensor], base: Base
) -> tuple[Method, dict[str, Tensor]]:
    settings = LlamaAdapterSettings(
        prompt_len=config["adapter_len"], layers=config["adapter_layers"], gate="per_layer", activation="identity"
    )
    method = LlamaAdapter.build(settings, base.shape, Start.of(base, 0))
    family = base.shape.family
    stems = [
        f"{PREFIX}{family.layers}.{layer}.{family.attention}." for layer in range(method.first_layer, base.shape.l)
    ]
    wanted = {stem + name for stem in stems for name in ("adaption_prompt", "adaption_gate")}
    _same_names(wanted, set(tensors))
    return method, {
        "prompts": torch.cat([tensors[stem + "adaption_prompt"] for stem in stems]),
        "gates": torch.stack([tensors[stem + "adaption_gate"] for stem in stems]),
    }


def _lora_names(family: Family, key: str) -> tuple[str, str]:
    """peft's names of one of our updates ("3_q"): those of A and B."""
    layer, role = key.split("_", 1)
    stem = f"{PREFIX}{family.layers}.{layer}.{family.linears[role]}."
    return stem + "lora_A.weight", stem + "lora_B.weight"


def _lora(method: Lora) -> tuple[dict[str, Any], dict[str, Tensor]]:
    settings, family = method.settings, method.shape.family
    tensors = {}
    for key in method.a:
        name_a, name_b = _lora_names(family, key)
        tensors[name_a], tensors[name_b] = method.a[key], method.b[key]
    # A pattern, not a list of endings: in BERT "output.dense" ends two different linears.
    paths = "|".join(re.escape(family.linears[role]) for role in method.roles)
    config = {
        "peft_type": "LORA",
        "r": settings.rank,
        "lora_alpha": settings.alpha,
        "lora_dropout": settings.dropout,
        "use_rslora": settings.rslora,
        "target_modules": rf"{re.escape(family.layers)}\.\d+\.({paths})",
        "fan_in_fan_out": method.shape.model_type == "gpt2",
        "bias": "none",
    }
    return config, tensors


def _from_lora(config: dict[str, Any], tensors: dict[str, Tensor], base: Base) -> tuple[Method, dict[str, Tensor]]:
    for name, plain in (("bias", "none"), ("use_dora", False), ("modules_to_save", None), ("rank_pattern", {})):
        if config.get(name, plain) not in (plain, None):
            raise _refused(f"{name}={config[name]!r} cannot be read", f"save it with {name}={plain!r}")
    family = base.shape.family
    roles = [
        role for role, path in family.linears.items() if f"{PREFIX}{family.layers}.0.{path}.lora_A.weight" in tensors
    ]
    settings = LoraSettings(
        rank=config["r"],
        alpha=float(config["lora_alpha"]),
        targets=" ".join(roles),
        dropout=float(config.get("lora_dropout", 0.0)),
        rslora=bool(config.get("use_rslora", False)),
    )
    method = Lora.build(settings, base.shape, Start.of(base, 0))
    names = {key: _lora_names(family, key) for key in method.a}
    _same_names({name for pair in names.values() for name in pair}, set(tensors))
    own = {f"a.{key}": tensors[pair[0]] for key, pair in names.items()}
    return method, own | {f"b.{key}": tensors[pair[1]] for key, pair in names.items()}


def _prompt(method: PromptTuning) -> tuple[dict[str, Any], dict[str, Tensor]]:
    settings, shape = method.settings, method.shape
    if not shape.family.causal:
        raise _refused("HF peft has no prompt tuning for masked language models", "export in our own format")
    if shape.family.positions == "learned" and not settings.shift_positions:
        raise _refused(
            "HF peft pushes the text's positions back, and this prompt was trained without that",
            "train with shift_positions=true, or export in our own format",
        )
    config = {
        "peft_type": "PROMPT_TUNING",
        "num_virtual_tokens": settings.prompt_len,
        "token_dim": shape.d,
        "num_layers": shape.l,
        "num_attention_heads": shape.h,
        "num_transformer_submodules": 1,
        "prompt_tuning_init": "RANDOM",
    }
    return config, {"prompt_embeddings": method.prompts}


def _from_prompt(config: dict[str, Any], tensors: dict[str, Tensor], base: Base) -> tuple[Method, dict[str, Tensor]]:
    settings = PromptSettings(prompt_len=config["num_virtual_tokens"], init="random", shift_positions=True)
    _same_names({"prompt_embeddings"}, set(tensors))
    return PromptTuning.build(settings, base.shape, Start.of(base, 0)), {"prompts": tensors["prompt_embeddings"]}


def _same_names(wanted: set[str], found: set[str]) -> None:
    for name in sorted(wanted ^ found):
        problem = "is missing" if name in wanted else "does not belong there"
        raise ExchangeError(
            "bad_tensor",
            f"The tensor {name!r} in adapter_model.safetensors {problem}.",
            tensor=name,
            file="adapter_model.safetensors",
            problem=problem,
        )


def _refused(reason: str, way_out: str) -> ExchangeError:
    return ExchangeError(
        "no_exchange", f"This adapter cannot be exchanged with HF peft: {reason}; {way_out}.", reason=reason, fix=way_out
    )
