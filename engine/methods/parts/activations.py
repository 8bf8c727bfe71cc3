"""What the units of a bottleneck go through, by the name that settings have for it."""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": nn.functional.gelu,
    "gelu_tanh": partial(nn.functional.gelu, approximate="tanh"),
    "silu": nn.functional.silu,
    "relu": nn.functional.relu,
}
