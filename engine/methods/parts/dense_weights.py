"""A frozen linear's weights as numbers, also where a base holds them in 8 or 4 bits."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.methods.parts.masking import frozen_weight
from engine.models.shards import whole


@torch.no_grad()
def dense_weight(linear: nn.Module) -> Float[Tensor, "o i"]:
    """The weight in fp32, made anew where it is rounded; on the meta device a stand-in of its size."""
    with whole(linear) as passing:
        weight = frozen_weight(linear)
        if weight is not None:
            return weight.detach().to(torch.float32, copy=passing)
    rounded = linear.weight
    assert isinstance(rounded, Tensor)
    if rounded.device.type == "meta":
        return torch.empty(linear.out_features, linear.in_features, device="meta")  # type: ignore[call-overload, no-any-return]
    import bitsandbytes  # noqa: PLC0415 - loaded with quantised bases only

    if (state := getattr(rounded, "quant_state", None)) is not None:
        if getattr(state, "packing_format_for_cpu", False):  # the first forward on some processors packs them anew
            return _read_by_forward(linear, rounded.device)
        exact: Tensor = bitsandbytes.functional.dequantize_4bit(rounded.data, state)
        return exact.float()
    scales = getattr(linear.state, "SCB", None)  # where the first forward puts them
    scales = rounded.SCB if scales is None else scales  # type: ignore[attr-defined]
    out: Tensor = rounded.data.float() * (scales.to(rounded.device).float()[:, None] / 127)
    return out


def _read_by_forward(linear: nn.Module, device: torch.device) -> Float[Tensor, "o i"]:
    """What the linear makes of each input alone, without hooks."""
    out: Tensor = type(linear).forward(linear, torch.eye(linear.in_features, device=device))  # type: ignore[call-overload]
    out = out.float() if linear.bias is None else out.float() - linear.bias.float()  # type: ignore[operator]
    return out.T
