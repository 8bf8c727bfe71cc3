"""VeRA: Vector-based Random Matrix Adaptation.

Kopiczko, Blankevoort, Asano. ICLR 2024. https://arxiv.org/abs/2310.11454

All linears share one pair of random, frozen matrices; only two vectors of each linear train:

    y = W x + b * (B (d * (A x)))        A: (r, inputs), B: (outputs, r) shared; d: (r), b: (outputs)

A and B are drawn from the number `projection_seed` alone (Kaiming uniform), as large as the largest linear needs;
a smaller one uses their first columns and rows. So a file holds the vectors only, and the projection is made again. d
starts at `d_initial`, b at zero.

Differences from the paper: none known; the numbers drawn are those of HF peft.

Starts at base: yes.
"""

import math
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from engine.methods.base import Start
from engine.methods.parts.linear_changes import LinearChange, linear_sizes
from engine.methods.vera.spec import SPEC, VeraSettings
from engine.models.shape import ModelShape


class VeRA(LinearChange[VeraSettings]):
    """Two trained vectors per linear around a shared random projection."""

    spec = SPEC

    projection_a: Float[Tensor, "r i"]
    projection_b: Float[Tensor, "o r"]

    def __init__(self, settings: VeraSettings, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        a, b = projection(settings, shape)
        self.register_buffer("projection_a", a, persistent=False)
        self.register_buffer("projection_b", b, persistent=False)
        self.d, self.b = nn.ParameterDict(), nn.ParameterDict()
        for key in self.keys:
            _, outputs = self.sizes[key.split("_", 1)[1]]
            self.d[key] = nn.Parameter(torch.full((settings.rank,), settings.d_initial))
            self.b[key] = nn.Parameter(torch.zeros(outputs))

    @classmethod
    @override
    def build(cls, settings: VeraSettings, shape: ModelShape, start: Start) -> Self:
        return cls(settings, shape)

    @classmethod
    @override
    def count(cls, settings: VeraSettings, shape: ModelShape) -> dict[str, int]:
        """R and the outputs of every target of every layer."""
        sizes = linear_sizes(settings.targets, shape)
        return {
            "d": shape.l * len(sizes) * settings.rank,
            "b": shape.l * sum(outputs for _, outputs in sizes.values()),
        }

    @override
    def change(self, key: str, x: Float[Tensor, "*b i"]) -> Float[Tensor, "*b o"]:
        inputs, outputs = self.sizes[key.split("_", 1)[1]]
        units = self.d[key] * nn.functional.linear(x, self.projection_a[:, :inputs])
        out: Float[Tensor, "*b o"] = self.b[key] * nn.functional.linear(units, self.projection_b[:outputs])
        return out

    @override
    def size(self, key: str) -> float:
        inputs, outputs = self.sizes[key.split("_", 1)[1]]
        a = self.d[key].detach()[:, None] * self.projection_a[:, :inputs]
        b = self.b[key].detach()[:, None] * self.projection_b[:outputs]
        return float(((b.T @ b) * (a @ a.T)).sum().clamp(min=0).sqrt())


def projection(settings: VeraSettings, shape: ModelShape) -> tuple[Float[Tensor, "r i"], Float[Tensor, "o r"]]:
    """The shared matrices, uniform within sqrt(6 / columns), drawn on the CPU."""
    sizes = linear_sizes(settings.targets, shape).values()
    rng = torch.Generator().manual_seed(settings.projection_seed)
    drawn = []
    for rows, columns in ((settings.rank, max(i for i, _ in sizes)), (max(o for _, o in sizes), settings.rank)):
        bound = math.sqrt(6 / columns)
        drawn.append(torch.empty(rows, columns).uniform_(-bound, bound, generator=rng))
    return drawn[0], drawn[1]
