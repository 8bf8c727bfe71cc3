"""What learned masks are made of: bits in bytes, a step that lets gradients through, weights that can be read."""

from typing import Any

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn

from engine.core.errors import ModelError
from engine.models.base import Base
from engine.models.shards import whole


class StraightThrough(torch.autograd.Function):
    """W * 1[M > tau] - W, whose gradient passes the step unchanged: dL/dM = dL/dW' * W."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, weight: Tensor, threshold: float) -> Tensor:  # noqa: ANN401 - torch's own
        """The change of the weights, in their dtype."""
        ctx.save_for_backward(weight)
        return torch.where(scores > threshold, 0.0, -weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401 - torch's own
        """The scores' gradient, in fp32."""
        (weight,) = ctx.saved_tensors
        return grad.float() * weight.float(), None, None


def pack(bits: Bool[Tensor, "o i"]) -> UInt8[Tensor, "o n"]:
    """Eight bits to a byte, the first one highest, as numpy.packbits does; every row begins a new byte."""
    powers = 2 ** torch.arange(7, -1, -1, dtype=torch.uint8, device=bits.device)
    padded = nn.functional.pad(bits.to(torch.uint8), (0, -bits.shape[1] % 8)).unflatten(1, (-1, 8))  # (o, n, 8)
    out: UInt8[Tensor, "o n"] = (padded * powers).sum(-1, dtype=torch.uint8)
    return out


def unpack(packed: UInt8[Tensor, "o n"], inputs: int) -> Bool[Tensor, "o {inputs}"]:
    """The bits that `pack` packed."""
    shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=packed.device)
    return (packed[..., None] >> shifts & 1).bool().flatten(1)[:, :inputs]


def frozen_weight(linear: nn.Module) -> Float[Tensor, "o i"] | None:
    """The weight of a frozen linear, also of GPT-2's transposed Conv1D; None where it is quantised."""
    weight = linear.weight
    if not isinstance(weight, Tensor) or not weight.dtype.is_floating_point or weight.element_size() < 2:
        return None
    return weight if hasattr(linear, "in_features") else weight.T


def readable_weight(base: Base, layer: int, role: str, title: str) -> Float[Tensor, "o i"]:
    """A linear's frozen weight, for a method of that title.

    Raises:
        ModelError: It is quantised, so the method cannot have it.
    """
    path = f"{base.shape.family.layers}.{layer}.{base.shape.family.linears[role]}"
    linear = base.model.get_submodule(path)
    with whole(linear) as passing:
        weight = frozen_weight(linear)
        weight = weight.clone() if passing and weight is not None else weight
    if weight is None:
        raise ModelError(
            "needs_weights",
            f"{title} must read the frozen weights, and a base in {base.precision} holds them rounded: "
            "choose fp32, bf16 or fp16 for it, or another method.",
            method=title,
            precision=base.precision,
        )
    return weight
