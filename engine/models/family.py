"""What a row of the table of model families says: where a family keeps what methods act on, and what is special in it.

Where a family's attention goes through transformers' attention interface, the registered function of
`engine.models.attention` sees rotated queries and may add to the output. The others say so with `attention=None`, and
methods that act there are refused for them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor, nn

from engine.core.errors import ModelError

KeysValues = tuple[Float[Tensor, "*b g p k"], Float[Tensor, "*b g p k"]]
Project = Callable[[nn.Module, Float[Tensor, "*b p d"], int], KeysValues]
Head = Callable[[nn.Module, Float[Tensor, "*n d"]], Float[Tensor, "*n v"]]

FUSED_ROLES = {"q": "qkv", "k": "qkv", "v": "qkv", "gate": "gate_up", "up": "gate_up"}
"""Roles that some families keep in one linear with others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """One architecture's map.

    Attributes:
        layers: Path from the model to its list of layers.
        attention: Path from a layer to the module that calls the attention function; None where none does.
        linears: Path from a layer to each linear, by role (q, k, v, qkv, o, gate, up, gate_up, down).
        sublayers: Path from a layer to the module whose output goes into the residual sum, for "attention" and "mlp".
        positions: How the attention knows where a token stands. "rotary": queries and keys are rotated by their
            positions. "relative": scores fall with the distance (ALiBi). In both only distances matter, so that virtual
            tokens may stand before position 0. "learned": an embedding of each absolute position is added to the words.
        causal: Whether a token sees only what stands before it.
        project_keys_values: The attention's frozen key and value projections, not rotated, each as (g, p, k).
        head: Hidden states to vocabulary logits, or to the classes of a picture.
        reads_text: Whether it reads text; if not, pictures.
        qkv_by_head: Whether a fused qkv has query, key and value side by side within each head, not all queries first.
        conv1d: Whether linears are transformers' Conv1D, with weights (inputs, outputs); peft says fan_in_fan_out.
        positions_after_padding: Whether learned positions begin after the padding token's id, as in fairseq.
        embedding_scale: Attribute of the input embeddings that they multiply words by; empty where they do not.
        functional_dropout: Attributes, numbers, by which modules drop in their own forward as soon as they train; a
            frozen base has them at 0, since recomputing a layer in the backward pass takes that it trains.
        adapter_formats: Formats of adapters that not all families have: "llama_adapter" (its authors' checkpoints) and
            "adaption_prompt" (HF peft's LLaMA-Adapter).
    """

    layers: str
    attention: str | None
    linears: dict[str, str]
    sublayers: dict[str, str]
    positions: Literal["rotary", "relative", "learned"]
    causal: bool
    project_keys_values: Project
    head: Head
    reads_text: bool = True
    qkv_by_head: bool = False
    conv1d: bool = False
    positions_after_padding: bool = False
    embedding_scale: str = ""
    functional_dropout: tuple[str, ...] = ()
    adapter_formats: tuple[str, ...] = ()


def linear_roles(family: Family, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Roles of the family's linears for the wanted roles: q, k and v become qkv where the family has them fused.

    Raises:
        ModelError: The family has no such linear.
    """
    roles: list[str] = []
    for role in wanted:
        linear = FUSED_ROLES[role] if FUSED_ROLES.get(role) in family.linears else role
        if linear not in family.linears:
            raise ModelError(
                "unknown_target",
                f"targets names {role!r}, but this model has {', '.join(family.linears)}.",
                value=role,
                known=", ".join(family.linears),
            )
        if linear not in roles:
            roles.append(linear)
    return tuple(roles)


def targeted_linears(family: Family, targets: str) -> tuple[str, ...]:
    """Roles of the family's linears for a text: roles with spaces between, also "attention", "mlp" and "all".

    Raises:
        ModelError: The family has no such linear.
    """
    attention = ("q", "k", "v", "qkv", "o")
    groups = {
        "all": tuple(family.linears),
        "attention": tuple(role for role in family.linears if role in attention),
        "mlp": tuple(role for role in family.linears if role not in attention),
    }
    roles = (role for word in targets.split() for role in groups.get(word) or linear_roles(family, (word,)))
    return tuple(dict.fromkeys(roles))


def linear_size(linear: Any) -> tuple[int, int]:  # noqa: ANN401 - a linear of any make
    """(inputs, outputs) of a linear of any make: torch, bitsandbytes, or transformers' transposed Conv1D."""
    if hasattr(linear, "in_features"):
        return int(linear.in_features), int(linear.out_features)
    inputs, outputs = linear.weight.shape
    return inputs, outputs
