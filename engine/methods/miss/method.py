"""MiSS: matrix shard sharing.

Kang, Yin. 2024. https://arxiv.org/abs/2409.15371

The input is cut into pieces of r numbers, which all share one small matrix D; so only their sum matters:

    y = W x + D^T (x_1 + x_2 + ... )        D: (r, outputs); the last piece is filled with zeros

As a matrix this is D^T repeated along the inputs, whose rank is at most r, at half the parameters of a LoRA. D starts
at zero.

Differences from the paper: none known of the efficient form, which is HF peft's default; its forms "bat" and "mini" are
not offered.

Starts at base: yes.
"""

from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from engine.methods.base import Start
from engine.methods.miss.spec import SPEC, MissSettings
from engine.methods.parts.linear_changes import LinearChange, linear_sizes
from engine.models.shape import ModelShape


class Miss(LinearChange[MissSettings]):
    """One small matrix per linear, shared by all pieces of its input."""

    spec = SPEC

    def __init__(self, settings: MissSettings, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        self.blocks = nn.ParameterDict()
        for key in self.keys:
            _, outputs = self.sizes[key.split("_", 1)[1]]
            self.blocks[key] = nn.Parameter(torch.zeros(settings.rank, outputs))

    @classmethod
    @override
    def build(cls, settings: MissSettings, shape: ModelShape, start: Start) -> Self:
        return cls(settings, shape)

    @classmethod
    @override
    def count(cls, settings: MissSettings, shape: ModelShape) -> dict[str, int]:
        """R times the outputs of every target of every layer."""
        outputs = sum(outputs for _, outputs in linear_sizes(settings.targets, shape).values())
        return {"blocks": shape.l * settings.rank * outputs}

    @override
    def change(self, key: str, x: Float[Tensor, "*b i"]) -> Float[Tensor, "*b o"]:
        r = self.settings.rank
        pieces = nn.functional.pad(x, (0, -x.shape[-1] % r)).unflatten(-1, (-1, r))
        out: Float[Tensor, "*b o"] = pieces.sum(-2) @ self.blocks[key]
        return out

    @override
    def size(self, key: str) -> float:
        inputs, r = self.sizes[key.split("_", 1)[1]][0], self.settings.rank
        block = self.blocks[key].detach()
        times = torch.bincount(torch.arange(inputs, device=block.device) % r, minlength=r)  # how often a row is used
        return float((times * block.square().sum(1)).sum().sqrt())
