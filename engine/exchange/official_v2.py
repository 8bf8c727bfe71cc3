"""Official LLaMA-Adapter V2 checkpoints that see pictures (`llama_adapter_v2_multimodal7b`): export and import.

Prompts and gates as in v1, the gates under `llama.`; `visual_query`, `clip_proj`, `visual_blocks`, `visual_proj` and
their norms; and of the language model the biases of wq, wo, w1, w2, w3 and the norms' whole gains. Rows of wq stand in
the order of Meta's rotary embedding. What is ambiguous or has no place is refused by name: LoRA variants, scales, early
fusion, and encoders other than a CLIP whose tokens go through its projection.
"""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from engine.exchange.official import gates_of_layer, native_gates, refused, write_checkpoint
from engine.methods.base import Method, Start
from engine.methods.llama_adapter.method import LlamaAdapter
from engine.methods.llama_adapter.spec import LlamaAdapterSettings
from engine.models.base import Base
from engine.models.vision import load_vision

QUERY = "visual_query.weight"
"""The tensor that tells these checkpoints from those of v1."""

PARTS = {"queries": QUERY} | {
    f"{own}.{kind}": f"{official}.{kind}"
    for own, official in {
        "reading": "clip_proj", "reading_norm": "clip_proj_norm", "linear": "visual_proj", "norm": "visual_proj_norm",
    }.items()
    for kind in ("weight", "bias")
}  # fmt: skip
"""Official names of what reads pictures, by our names."""

BLOCK = {
    "self_attn.in_proj_weight": "attn.qkv.weight", "self_attn.in_proj_bias": "attn.qkv.bias",
    **{
        f"{own}.{kind}": f"{official}.{kind}"
        for own, official in {
            "self_attn.out_proj": "attn.proj", "linear1": "mlp.fc1", "linear2": "mlp.fc2", "norm1": "norm1",
            "norm2": "norm2",
        }.items()
        for kind in ("weight", "bias")
    },
}  # fmt: skip
"""The same within a block."""

LINEARS = {
    "q": "attention.wq", "o": "attention.wo", "gate": "feed_forward.w1", "down": "feed_forward.w2",
    "up": "feed_forward.w3",
}  # fmt: skip
NORMS = {"input_layernorm": "attention_norm", "post_attention_layernorm": "ffn_norm"}


def export_v2(adapter: Method, base: Base, path: Path) -> None:
    """Write a checkpoint that the authors' V2 code can load.

    Raises:
        ExchangeError: The adapter has something that their form has no place for.
    """
    own = "export as a Gatelight adapter"
    if not isinstance(adapter, LlamaAdapter) or "llama_adapter" not in adapter.shape.family.adapter_formats:
        raise refused("only LLaMA-Adapters on LLaMA models have this form", own)
    if adapter.head is not None:
        raise refused("there is no place for a task head", own)
    if adapter.settings.vision_form != "queries" or adapter.gates is None or adapter.settings.scale:
        raise refused("V2's code has queries beside gated prompts in the same layers, and no scales", own)
    features = adapter.picture_features
    if features is None or not features.encoder.family.projection:
        raise refused(f"V2's code sees through a whole CLIP, which {adapter.settings.vision!r} is not", own)
    tensors = {"adapter_query.weight": adapter.prompts.detach().flatten(0, 1)}
    gates = native_gates(adapter)
    tensors |= {f"llama.layers.{n}.attention.gate": gates_of_layer(adapter, gates, n) for n in range(adapter.shape.l)}
    state = adapter.state_dict()
    tensors |= {official: state[f"projection.{own}"] for own, official in _reader_names(adapter.settings.vision_blocks)}
    tensors |= dict(_biases(adapter)) | dict(_gains(adapter, base))
    write_checkpoint({"model": tensors, "config": {"w_bias": adapter.settings.bias, "w_lora": False}}, path)


def import_v2(tensors: dict[str, Tensor], base: Base, vision: str) -> Method:
    """Make an adapter of a checkpoint's tensors.

    Args:
        tensors: As the file holds them.
        base: The model it was trained on.
        vision: The CLIP it was trained with, ViT-L/14 in the authors' code.

    Raises:
        ExchangeError: They do not fit the model or the encoder, or are of a variant that is not known.
    """
    if foreign := next((name for name in tensors if "lora_" in name or "new_gate" in name), None):
        raise refused(f"it is one of the LoRA variants ({foreign!r})", "choose a checkpoint without LoRA")
    if "llama_adapter" not in base.shape.family.adapter_formats:
        raise refused("only LLaMA models have this form", "name the LLaMA that it was trained on with --model")
    if not vision or not load_vision(vision).family.projection:
        raise refused("it was trained with pictures through a whole CLIP", "name that one with --vision")
    queries, prompts = tensors[QUERY], tensors["adapter_query.weight"]
    blocks = len({name.split(".")[1] for name in tensors if name.startswith("visual_blocks.")})
    layers, rest = divmod(len(prompts), len(queries))
    if rest or not 0 < layers <= base.shape.l or not blocks:
        raise refused(f"adapter_query has {len(prompts)} rows for {len(queries)} queries", "check the model")
    settings = LlamaAdapterSettings(
        prompt_len=len(queries), layers=layers, vision=vision, vision_form="queries", vision_blocks=blocks,
        bias=any(name.endswith("wq.bias") for name in tensors), norms="llama.norm.weight" in tensors,
    )  # fmt: skip
    adapter = LlamaAdapter.build(settings, base.shape, Start.of(base, 0))
    with torch.no_grad():
        for name, parameter in _read(tensors, adapter, base):
            if parameter[1].shape != parameter[0].shape:
                shapes = f"{tuple(parameter[1].shape)}, not {tuple(parameter[0].shape)}"
                raise refused(f"the tensor {name!r} has shape {shapes}", "check the model and the encoder")
            parameter[0].copy_(parameter[1])
    return adapter.to(base.device)


def _read(tensors: dict[str, Tensor], adapter: LlamaAdapter, base: Base) -> Iterator[tuple[str, tuple[Tensor, Tensor]]]:
    """Every parameter of a method with what the file has for it, by the file's name.

    Raises:
        ExchangeError: A tensor is missing.
    """

    def found(name: str) -> Tensor:
        if name not in tensors:
            raise refused(f"the tensor {name!r} is missing", "check that it is a whole V2 checkpoint")
        return tensors[name].float()

    assert adapter.gates is not None
    yield "adapter_query.weight", (adapter.prompts.flatten(0, 1), found("adapter_query.weight"))
    for row in range(len(adapter.prompts)):
        name = f"llama.layers.{adapter.first_layer + row}.attention.gate"
        yield name, (adapter.gates[row], found(name).flatten())
    own = dict(adapter.named_parameters())
    for ours, name in _reader_names(adapter.settings.vision_blocks):
        yield name, (own[f"projection.{ours}"], found(name))
    for name, key in _bias_names(adapter):
        assert adapter.bias is not None
        yield name, (adapter.bias[key], _from_meta(found(name), adapter, key))
    for row, (name, path) in enumerate(_norm_names(adapter)):
        assert adapter.norms is not None
        yield name, (adapter.norms.gamma[row], found(name) - _gain(base, path).cpu())


def _reader_names(blocks: int) -> Iterator[tuple[str, str]]:
    yield from PARTS.items()
    for block in range(blocks):
        for own, official in BLOCK.items():
            yield f"blocks.{block}.{own}", f"visual_blocks.{block}.{official}"


def _bias_names(adapter: LlamaAdapter) -> Iterator[tuple[str, str]]:
    if adapter.bias is not None:
        for layer in range(adapter.shape.l):
            for role, official in LINEARS.items():
                yield f"llama.layers.{layer}.{official}.bias", f"{layer}_{role}"


def _biases(adapter: LlamaAdapter) -> Iterator[tuple[str, Tensor]]:
    for name, key in _bias_names(adapter):
        assert adapter.bias is not None
        yield name, _to_meta(adapter.bias[key].detach(), adapter, key)


def _norm_names(adapter: LlamaAdapter) -> Iterator[tuple[str, str]]:
    """Official names of the norms and their paths, in the order of `TunedNorms.gamma`."""
    for path in adapter.shape.norms if adapter.norms is not None else ():
        *_, layer, kind = path.split(".")
        yield (f"llama.layers.{layer}.{NORMS[kind]}.weight" if kind in NORMS else "llama.norm.weight"), path


def _gains(adapter: LlamaAdapter, base: Base) -> Iterator[tuple[str, Tensor]]:
    for row, (name, path) in enumerate(_norm_names(adapter)):
        assert adapter.norms is not None
        yield name, adapter.norms.gamma[row].detach() + _gain(base, path)


def _gain(base: Base, path: str) -> Tensor:
    weight: Tensor = base.model.get_submodule(path).get_parameter("weight").detach().float()
    return weight


def _to_meta(bias: Tensor, adapter: LlamaAdapter, key: str) -> Tensor:
    """A query's numbers in pairs, as Meta's rotary embedding turns them; others stay as they are."""
    if not key.endswith("_q"):
        return bias
    return bias.view(adapter.shape.h, 2, -1).transpose(1, 2).flatten()


def _from_meta(bias: Tensor, adapter: LlamaAdapter, key: str) -> Tensor:
    if not key.endswith("_q"):
        return bias
    if bias.numel() != adapter.shape.h * adapter.shape.k:
        return bias  # whose shape will be refused
    return bias.view(adapter.shape.h, -1, 2).transpose(1, 2).flatten()
