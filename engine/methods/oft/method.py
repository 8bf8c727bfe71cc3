"""OFT: Controlling Text-to-Image Diffusion by Orthogonal Finetuning.

Qiu, Liu, Feng, Xue, Feng, Liu, Zhang, Weller, Schölkopf. NeurIPS 2023. https://arxiv.org/abs/2306.07280

The frozen weights are turned, not stretched: the angles between neurons stay. The input of a linear is cut into blocks
of b numbers, and each block goes through an orthogonal matrix before the frozen weight:

    y = W (x R)        R: block-diagonal, each block (I - Q) (I + Q)^-1 with Q skew-symmetric (Cayley)

Only the b (b - 1) / 2 numbers above the diagonal of each Q train. They start at zero, where R is the identity.

Differences from the paper: the Cayley transform is by default a series of five terms, as in HF peft (OFTv2, Qiu et al.
2025, https://arxiv.org/abs/2506.19847): I + 2 Q + 2 Q^2 + 2 Q^3 + Q^4, which is orthogonal only while Q is small. The
constrained form (COFT) and blocks that share one matrix are not offered. Strength s makes the input x + s (x R - x).
Where a linear's inputs are no multiple of b, the nearest divisor is taken, as in peft.

Starts at base: yes.
"""

from typing import ClassVar, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from engine.methods.base import Start
from engine.methods.oft.spec import SPEC, OftSettings
from engine.methods.parts.linear_changes import LinearChange, linear_sizes
from engine.models.shape import ModelShape


class Oft(LinearChange[OftSettings]):
    """Orthogonal turns of every linear's inputs."""

    spec = SPEC
    at_input: ClassVar[bool] = True

    def __init__(self, settings: OftSettings, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        self.turns = nn.ParameterDict()
        for key in self.keys:
            block, blocks = _blocks(settings, self.sizes[key.split("_", 1)[1]][0])
            self.turns[key] = nn.Parameter(torch.zeros(blocks, block * (block - 1) // 2))

    @classmethod
    @override
    def build(cls, settings: OftSettings, shape: ModelShape, start: Start) -> Self:
        return cls(settings, shape)

    @classmethod
    @override
    def count(cls, settings: OftSettings, shape: ModelShape) -> dict[str, int]:
        """(b - 1) / 2 for every input of every target of every layer."""
        sizes = [_blocks(settings, inputs) for inputs, _ in linear_sizes(settings.targets, shape).values()]
        return {"turns": shape.l * sum(blocks * block * (block - 1) // 2 for block, blocks in sizes)}

    @override
    def change(self, key: str, x: Float[Tensor, "*b i"]) -> Float[Tensor, "*b o"]:
        """X R - x."""
        turned = self.turned(key)
        return torch.einsum("...rk,rkc->...rc", x.unflatten(-1, turned.shape[:2]), turned).flatten(-2)

    def turned(self, key: str) -> Float[Tensor, "n k k"]:
        """R - I of every block."""
        block, _ = _blocks(self.settings, self.sizes[key.split("_", 1)[1]][0])
        rows, columns = torch.triu_indices(block, block, 1, device=self.turns[key].device)
        upper = self.turns[key].new_zeros(len(self.turns[key]), block, block)
        upper = upper.index_put(
            (torch.arange(len(upper), device=upper.device)[:, None], rows, columns), self.turns[key]
        )
        return minus_identity(upper - upper.mT, self.settings.terms)

    @override
    def size(self, key: str) -> float:
        return float(self.turned(key).detach().norm())


def minus_identity(q: Float[Tensor, "n k k"], terms: int) -> Float[Tensor, "n k k"]:
    """(I - Q) (I + Q)^-1 - I; with a series of `terms` terms, the identity among them and the last one halved."""
    if terms == 0:
        eye = torch.eye(q.shape[-1], device=q.device, dtype=q.dtype).expand_as(q)
        exact: Tensor = torch.linalg.solve(eye + q, -2 * q, left=False)
        return exact
    out, power = torch.zeros_like(q), q
    if terms > 1:
        out = out + 2 * q
    if terms > 2:
        power = q @ q
        out = out + 2 * power
        for _ in range(3, terms - 1):
            power = power @ q
            out = out + 2 * power
        out = out + power @ q
    return out


def fitting_block(inputs: int, wanted: int) -> int:
    """The divisor of the inputs that is nearest to the wanted size, the smaller one of two."""
    divisors = [number for number in range(1, inputs + 1) if inputs % number == 0]
    return min(divisors, key=lambda number: (abs(number - wanted), number))


def _blocks(settings: OftSettings, inputs: int) -> tuple[int, int]:
    """Size and number of the blocks of a linear."""
    block = fitting_block(inputs, settings.block)
    return block, inputs // block
