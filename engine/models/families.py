"""The table of model families: one row per transformers `model_type`, nothing else to edit.

`engine.models.family` says what each field means; `tests/contract/test_families.py` checks every row against the model.
"""

from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from engine.core.errors import ModelError
from engine.models.family import Family, KeysValues


def _frozen(linear: Any, x: Tensor) -> Tensor:  # noqa: ANN401 - a linear of any make
    """The linear's frozen output: `forward` bypasses the hooks of other adapters in the batch."""
    out: Tensor = linear.forward(x)
    return out


def _heads(x: Tensor, width: int) -> Tensor:
    out: Tensor = x.unflatten(-1, (-1, width)).transpose(-2, -3)  # (*b, g, p, k)
    return out


def _separate(attention: nn.Module, x: Tensor, width: int) -> KeysValues:
    """k_proj and v_proj; where keys are normalised per head (qwen3), prompt keys are too: it is part of the key."""
    keys, values = _heads(_frozen(attention.k_proj, x), width), _heads(_frozen(attention.v_proj, x), width)
    if hasattr(attention, "k_norm"):
        keys = _frozen(attention.k_norm, keys)
    return keys, values


def _gpt2(attention: nn.Module, x: Tensor, width: int) -> KeysValues:
    """One fused Conv1D: queries, keys and values side by side."""
    _, keys, values = _frozen(attention.c_attn, x).chunk(3, dim=-1)
    return _heads(keys, width), _heads(values, width)


def _gpt_neox(attention: nn.Module, x: Tensor, width: int) -> KeysValues:
    """One fused linear: query, key and value side by side within each head."""
    _, keys, values = _heads(_frozen(attention.query_key_value, x), 3 * width).chunk(3, dim=-1)
    return keys, values


def _phi3(attention: nn.Module, x: Tensor, width: int) -> KeysValues:
    """One fused linear: all queries, then all keys, then all values; there are fewer key/value heads than queries."""
    size = attention.config.num_key_value_heads * width  # type: ignore[union-attr, operator]
    keys, values = _frozen(attention.qkv_proj, x)[..., -2 * size :].chunk(2, dim=-1)
    return _heads(keys, width), _heads(values, width)


def _bert(attention: nn.Module, x: Tensor, width: int) -> KeysValues:
    return _heads(_frozen(attention.key, x), width), _heads(_frozen(attention.value, x), width)


def _distilbert(attention: nn.Module, x: Tensor, width: int) -> KeysValues:
    return _heads(_frozen(attention.k_lin, x), width), _heads(_frozen(attention.v_lin, x), width)


def _lm_head(model: Any, hidden: Tensor) -> Tensor:  # noqa: ANN401 - a transformers model
    out: Tensor = model.lm_head(hidden)
    return out


def _capped_lm_head(model: Any, hidden: Tensor) -> Tensor:  # noqa: ANN401 - a transformers model
    """Gemma 2 keeps logits softly within a cap; Gemma 3 can."""
    logits, cap = _lm_head(model, hidden), model.config.final_logit_softcapping
    return logits if cap is None else (logits / cap).tanh() * cap


def _bert_head(model: Any, hidden: Tensor) -> Tensor:  # noqa: ANN401 - a transformers model
    out: Tensor = model.cls(hidden)
    return out


def _classifier(model: Any, hidden: Tensor) -> Tensor:  # noqa: ANN401 - a transformers model
    out: Tensor = model.classifier(hidden)
    return out


def _distilbert_head(model: Any, hidden: Tensor) -> Tensor:  # noqa: ANN401 - a transformers model
    out: Tensor = model.vocab_projector(model.vocab_layer_norm(model.activation(model.vocab_transform(hidden))))
    return out


_LLAMA = Family(
    layers="model.layers",
    attention="self_attn",
    linears={
        "q": "self_attn.q_proj",
        "k": "self_attn.k_proj",
        "v": "self_attn.v_proj",
        "o": "self_attn.o_proj",
        "gate": "mlp.gate_proj",
        "up": "mlp.up_proj",
        "down": "mlp.down_proj",
    },
    sublayers={"attention": "self_attn.o_proj", "mlp": "mlp.down_proj"},
    positions="rotary",
    causal=True,
    project_keys_values=_separate,
    head=_lm_head,
)

_GEMMA = replace(
    _LLAMA,
    # A norm of its own stands between each sub-layer and the residual sum.
    sublayers={"attention": "post_attention_layernorm", "mlp": "post_feedforward_layernorm"},
    head=_capped_lm_head,
    embedding_scale="embed_scale",
)

_BERT = Family(
    layers="bert.encoder.layer",
    attention="attention.self",
    linears={
        "q": "attention.self.query",
        "k": "attention.self.key",
        "v": "attention.self.value",
        "o": "attention.output.dense",
        "up": "intermediate.dense",
        "down": "output.dense",
    },
    sublayers={"attention": "attention.output.dense", "mlp": "output.dense"},
    positions="learned",
    causal=False,
    project_keys_values=_bert,
    head=_bert_head,
)

FAMILIES: dict[str, Family] = {
    "llama": replace(_LLAMA, adapter_formats=("llama_adapter", "adaption_prompt")),
    "mistral": replace(_LLAMA, adapter_formats=("adaption_prompt",)),
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
    "gemma2": _GEMMA,
    "gemma3_text": _GEMMA,
    "phi3": replace(
        _LLAMA,
        linears={
            "qkv": "self_attn.qkv_proj",
            "o": "self_attn.o_proj",
            "gate_up": "mlp.gate_up_proj",
            "down": "mlp.down_proj",
        },
        project_keys_values=_phi3,
    ),
    "opt": Family(
        layers="model.decoder.layers",
        attention="self_attn",
        linears={
            "q": "self_attn.q_proj",
            "k": "self_attn.k_proj",
            "v": "self_attn.v_proj",
            "o": "self_attn.out_proj",
            "up": "fc1",
            "down": "fc2",
        },
        sublayers={"attention": "self_attn.out_proj", "mlp": "fc2"},
        positions="learned",
        causal=True,
        project_keys_values=_separate,
        head=_lm_head,
        functional_dropout=("dropout",),
    ),
    "gpt2": Family(
        layers="transformer.h",
        attention="attn",
        linears={"qkv": "attn.c_attn", "o": "attn.c_proj", "up": "mlp.c_fc", "down": "mlp.c_proj"},
        sublayers={"attention": "attn.c_proj", "mlp": "mlp.c_proj"},
        positions="learned",
        causal=True,
        project_keys_values=_gpt2,
        head=_lm_head,
        conv1d=True,
    ),
    "gpt_neox": Family(
        layers="gpt_neox.layers",
        attention="attention",
        linears={
            "qkv": "attention.query_key_value",
            "o": "attention.dense",
            "up": "mlp.dense_h_to_4h",
            "down": "mlp.dense_4h_to_h",
        },
        sublayers={"attention": "attention.dense", "mlp": "mlp.dense_4h_to_h"},
        positions="rotary",
        causal=True,
        project_keys_values=_gpt_neox,
        head=_lm_head,
        qkv_by_head=True,
    ),
    "bloom": Family(
        layers="transformer.h",
        attention=None,
        linears={
            "qkv": "self_attention.query_key_value",
            "o": "self_attention.dense",
            "up": "mlp.dense_h_to_4h",
            "down": "mlp.dense_4h_to_h",
        },
        sublayers={"attention": "self_attention.dense", "mlp": "mlp.dense_4h_to_h"},
        positions="relative",
        causal=True,
        project_keys_values=_gpt_neox,
        head=_lm_head,
        qkv_by_head=True,
    ),
    "bert": _BERT,
    "roberta": replace(_BERT, layers="roberta.encoder.layer", head=_lm_head, positions_after_padding=True),
    "distilbert": Family(
        layers="distilbert.transformer.layer",
        attention="attention",
        linears={
            "q": "attention.q_lin",
            "k": "attention.k_lin",
            "v": "attention.v_lin",
            "o": "attention.out_lin",
            "up": "ffn.lin1",
            "down": "ffn.lin2",
        },
        sublayers={"attention": "attention.out_lin", "mlp": "ffn.lin2"},
        positions="learned",
        causal=False,
        project_keys_values=_distilbert,
        head=_distilbert_head,
    ),
    "vit": Family(
        layers="vit.layers",
        attention="attention",
        linears={
            "q": "attention.q_proj",
            "k": "attention.k_proj",
            "v": "attention.v_proj",
            "o": "attention.o_proj",
            "up": "mlp.fc1",
            "down": "mlp.fc2",
        },
        sublayers={"attention": "attention.o_proj", "mlp": "mlp.fc2"},
        positions="learned",
        causal=False,
        project_keys_values=_separate,
        head=_classifier,
        reads_text=False,
    ),
}


def family_of(model_type: str) -> Family:
    """The row of a transformers `model_type`.

    Raises:
        ModelError: The family has no row yet; the message says what a row needs.
    """
    if model_type in FAMILIES:
        return FAMILIES[model_type]
    raise ModelError(
        "unknown_family",
        f"Models of type {model_type!r} are not supported yet: engine/models/families.py has no row that says where "
        f"their layers, attention, linears, head and key/value projection are. Supported: {', '.join(FAMILIES)}.",
        family=model_type,
        known=", ".join(FAMILIES),
    )


def family_in_gguf(architecture: str) -> str:
    """The transformers type of an architecture as GGUF files name it; the same name where it is none of ours."""
    return next((name for name in (architecture, f"{architecture}_text") if name in FAMILIES), architecture)
