"""A pool of experts for one matrix: training uses one of them at a time, reading uses their average."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Experts(nn.Module):
    """Several linears of one size, stacked. A pool of one is a plain linear, whatever expert is asked for."""

    def __init__(self, count: int, inputs: int, outputs: int, *, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(count, outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(count, outputs)) if bias else None

    def __len__(self) -> int:
        """Number of experts."""
        return len(self.weight)

    def forward(self, x: Float[Tensor, "*b i"], expert: int | None) -> Float[Tensor, "*b o"]:
        """One expert's output; with None that of the expert whose weights are the average of all."""
        weight, bias = (None if values is None else _one(values, expert) for values in (self.weight, self.bias))
        assert weight is not None
        return nn.functional.linear(x, weight, bias)

    def fold(self) -> None:
        """Keep the average alone."""
        self.weight = nn.Parameter(_one(self.weight.detach(), None)[None])
        if self.bias is not None:
            self.bias = nn.Parameter(_one(self.bias.detach(), None)[None])

    def cosine(self) -> float:
        """Mean cosine between the weights of two different experts: 1 when they have become the same."""
        flat = nn.functional.normalize(self.weight.detach().flatten(1), dim=-1)
        e = len(flat)
        among_others = (flat @ flat.T).sum() - (flat * flat).sum()
        return float(among_others) / max(1, e * (e - 1))


def _one(values: Float[Tensor, "e *n"], expert: int | None) -> Float[Tensor, "*n"]:
    if len(values) == 1:
        return values[0]
    return values.mean(0) if expert is None else values[expert]
