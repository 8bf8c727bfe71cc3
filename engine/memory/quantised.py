"""Linears on the meta device that allocate what bitsandbytes' linears in 8 or 4 bits allocate.

int8: a byte per weight, and a scale (fp32) per output. NF4: half a byte per weight, and a scale (fp32) per 64 weights.
As in transformers, the language head and weights that are tied to the embeddings are not quantised.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D
from transformers.quantizers.base import get_keys_to_not_convert
from transformers.quantizers.quantizers_utils import should_convert_module

NF4_BLOCK = 64
NF4_CODE_BYTES = 64
"""The 16 values of the number format (fp32), of which every linear has a copy."""


def quantise(model: PreTrainedModel, precision: str, device: str) -> int:
    """Replace the linears that transformers would quantise; returns the bytes of their scales."""
    not_converted, overhead = get_keys_to_not_convert(model), 0
    for name, module in list(model.named_modules()):
        if (type(module) is nn.Linear or isinstance(module, Conv1D)) and should_convert_module(name, not_converted):
            linear = QuantisedLinear(module, precision, device)
            model.set_submodule(name, linear)
            overhead += linear.overhead
    return overhead


class QuantisedLinear(nn.Module):
    """A frozen linear in 8 or 4 bits on the meta device."""

    def __init__(self, source: nn.Module, precision: str, device: str) -> None:
        super().__init__()
        outputs, inputs = source.weight.shape if isinstance(source, nn.Linear) else reversed(source.weight.shape)  # type: ignore[arg-type]
        self.in_features, self.out_features, self.precision, self.on = int(inputs), int(outputs), precision, device
        size = self.in_features * self.out_features
        shape = (self.out_features, self.in_features) if precision == "int8" else (-(-size // 2), 1)
        dtype = torch.int8 if precision == "int8" else torch.uint8
        self.weight = nn.Parameter(torch.empty(shape, dtype=dtype, device="meta"), requires_grad=False)
        self.bias = source.bias
        scales = self.out_features if precision == "int8" else -(-size // NF4_BLOCK)
        self.overhead = 4 * scales + (0 if precision == "int8" else NF4_CODE_BYTES)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, with bitsandbytes' temporary tensors and what it saves for the backward pass."""
        if self.precision == "int8":
            out: Tensor = _Int8.apply(x, self.out_features, self.on)  # type: ignore[no-untyped-call]
            return out
        out = _Nf4.apply(x.to(torch.bfloat16), self.out_features)  # type: ignore[no-untyped-call]
        return out.to(x.dtype)


class _Int8(torch.autograd.Function):
    """Saves its input; on a CPU, integer sums and scaled sums exist at the same time, four bytes per output each."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, outputs: int, on: str) -> Tensor:  # noqa: ANN401 - torch's context
        """(..., inputs) to (..., outputs)."""
        ctx.saved = x
        ctx.outputs = outputs
        rows = x.reshape(-1, x.shape[-1])
        rounded = rows.to(torch.float16).to(torch.int8)
        sums = rounded.new_empty(len(rows), outputs, dtype=torch.int32)
        scaled = sums * 0.5 if on == "cpu" else sums
        return (scaled * 0.5).to(x.dtype).view(*x.shape[:-1], outputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401 - torch's context
        """Dequantises the weight temporarily."""
        weight = grad.new_empty(ctx.outputs, ctx.saved.shape[-1], dtype=ctx.saved.dtype)
        return (grad.reshape(-1, ctx.outputs) @ weight).view(ctx.saved.shape), None, None


class _Nf4(torch.autograd.Function):
    """Saves nothing but the quantised weight, which is dequantised temporarily."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, outputs: int) -> Tensor:  # noqa: ANN401 - torch's context
        """(..., inputs) to (..., outputs)."""
        ctx.inputs = x.shape[-1]
        return nn.functional.linear(x, x.new_empty(outputs, ctx.inputs))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401 - torch's context
        """Dequantises the weight temporarily."""
        return grad @ grad.new_empty(grad.shape[-1], ctx.inputs), None
