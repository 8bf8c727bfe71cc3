"""Linears that train a little: a bias and a scale per output beside the frozen matrix (LLaMA-Adapter V2).

    y' = c * (W x + b)              the paper's form, element by element
       = y + (c - 1) * y + c * b    y: what the frozen linear says, with its own bias where it has one

b and c - 1 are what trains, so both start at zero and weight decay pulls towards the base.
"""

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.methods.base import Method
from engine.models.shape import ModelShape
from engine.models.sites import Sites

Offsets = nn.ParameterDict


def tuned_roles(shape: ModelShape) -> tuple[str, ...]:
    """All linears but the key and value projections, which also make the prompts' keys and values.

    As in the authors' code. Where q, k and v are fused into one linear, that one is among them.
    """
    return tuple(role for role in shape.linears if role not in ("k", "v"))


def count(shape: ModelShape) -> int:
    """One number for every output of every tuned linear."""
    return shape.l * sum(shape.linears[role][1] for role in tuned_roles(shape))


def offsets(shape: ModelShape) -> Offsets:
    """Zeros, one for every output of every tuned linear."""
    return nn.ParameterDict(
        {
            f"{layer}_{role}": nn.Parameter(torch.zeros(shape.linears[role][1]))
            for layer in range(shape.l)
            for role in tuned_roles(shape)
        }
    )


def attach(sites: Sites, method: Method, bias: Offsets | None, scale: Offsets | None) -> None:
    """Let biases and scales act for the method that they belong to, and obey its dials."""
    for layer in range(method.shape.l):
        for role in tuned_roles(method.shape):
            sites.add_linear(layer, role, partial(_act, method, bias, scale, layer, role))


def _act(
    method: Method,
    bias: Offsets | None,
    scale: Offsets | None,
    layer: int,
    role: str,
    _x: Float[Tensor, "*b i"],
    y: Float[Tensor, "*b o"],
) -> Float[Tensor, "*b o"] | None:
    """What one linear's output gains: s ((c - 1) y + c b)."""
    if method.is_off(layer):
        return None
    key, change = f"{layer}_{role}", y.new_zeros((), dtype=torch.float32)
    if scale is not None:
        change = scale[key] * y.float()
    if bias is not None:
        change = change + bias[key] * (1 if scale is None else 1 + scale[key])
    return method.control.strength * change.expand_as(y)
