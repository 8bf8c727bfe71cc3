"""Where each model family keeps the places that a method may act on. One row per family, nothing else to edit.

Only models whose attention goes through transformers' attention interface can be listed: that is where the
registered function of `engine.models.attention` sees rotated queries and may add to the output.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.errors import ModelError

KeysValues = tuple[Float[Tensor, "*b g p k"], Float[Tensor, "*b g p k"]]
Project = Callable[[nn.Module, Float[Tensor, "*b p d"], int], KeysValues]


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """One architecture's map.

    Attributes:
        layers: Path from the model to its list of layers.
        attention: Path from a layer to the module that calls the attention function.
        linears: Path from a layer to each linear, by role (q, k, v, qkv, o, gate, up, down).
        head: Path from the model to the module that turns hidden states into vocabulary logits.
        positions: "rotary" if only distances between positions matter, else "learned".
        causal: Whether a token sees only what stands before it.
        project: The attention's frozen key and value projection, without rotation, as (g key/value heads, p, k).
    """

    layers: str
    attention: str
    linears: dict[str, str]
    head: str
    positions: Literal["rotary", "learned"]
    causal: bool
    project: Project


def _heads(x: Tensor, width: int) -> Tensor:
    return x.unflatten(-1, (-1, width)).transpose(-2, -3)  # (*b, g, p, k)


def _separate(attention: nn.Module, x: Tensor, width: int) -> KeysValues:
    """k_proj and v_proj; where keys are normalised per head (qwen3), prompt keys are too: the norm is part of the key."""
    keys, values = _heads(attention.k_proj(x), width), _heads(attention.v_proj(x), width)
    if hasattr(attention, "k_norm"):
        keys = attention.k_norm(keys)
    return keys, values


def _gpt2(attention: nn.Module, x: Tensor, width: int) -> KeysValues:
    """One fused Conv1D: queries, keys and values side by side."""
    _, keys, values = attention.c_attn(x).chunk(3, dim=-1)
    return _heads(keys, width), _heads(values, width)


def _gpt_neox(attention: nn.Module, x: Tensor, width: int) -> KeysValues:
    """One fused linear: query, key and value side by side within each head."""
    _, keys, values = _heads(attention.query_key_value(x), 3 * width).chunk(3, dim=-1)
    return keys, values


def _bert(attention: nn.Module, x: Tensor, width: int) -> KeysValues:
    return _heads(attention.key(x), width), _heads(attention.value(x), width)


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
    head="lm_head",
    positions="rotary",
    causal=True,
    project=_separate,
)

FAMILIES: dict[str, Family] = {
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
    "gpt2": Family(
        layers="transformer.h",
        attention="attn",
        linears={"qkv": "attn.c_attn", "o": "attn.c_proj", "up": "mlp.c_fc", "down": "mlp.c_proj"},
        head="lm_head",
        positions="learned",
        causal=True,
        project=_gpt2,
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
        head="lm_head",
        positions="rotary",
        causal=True,
        project=_gpt_neox,
    ),
    "bert": Family(
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
        head="cls",
        positions="learned",
        causal=False,
        project=_bert,
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


def roles_of(family: Family, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The family's own roles for the wanted ones: q, k and v become qkv where the family has them fused.

    Raises:
        ModelError: The family has no such linear.
    """
    found: list[str] = []
    for role in wanted:
        own = "qkv" if role in ("q", "k", "v") and "qkv" in family.linears else role
        if own not in family.linears:
            raise ModelError(
                "unknown_target",
                f"targets names {role!r}, but this model has {', '.join(family.linears)}.",
                value=role,
                known=", ".join(family.linears),
            )
        if own not in found:
            found.append(own)
    return tuple(found)


def linear_size(linear: nn.Module) -> tuple[int, int]:
    """(inputs, outputs) of a linear of any make: torch, bitsandbytes, or GPT-2's transposed Conv1D."""
    if hasattr(linear, "in_features"):
        return int(linear.in_features), int(linear.out_features)
    weight: torch.Tensor = linear.weight  # type: ignore[assignment]
    return weight.shape[0], weight.shape[1]
