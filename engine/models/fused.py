"""Where a role's outputs are: those of a linear of its own, or some of those of a linear that serves several roles."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from engine.models.families import roles_of
from engine.models.shape import ModelShape


@dataclass(frozen=True, slots=True)
class Part:
    """The outputs of one role.

    Attributes:
        role: The role: "k".
        own: The role of the linear that computes them: "k", or "qkv" where a family has it fused.
        size: How many they are.
        columns: Which of the linear's outputs they are; None for all.
    """

    role: str
    own: str
    size: int
    columns: Int[Tensor, " o"] | None

    def spread(self, values: Float[Tensor, " o"], width: int) -> Float[Tensor, " {width}"]:
        """One value for each output of the linear: 0 where it serves other roles."""
        if self.columns is None:
            return values
        return values.new_zeros(width).index_copy(0, self.columns.to(values.device), values)


def whole(shape: ModelShape, own: str) -> Part:
    """All outputs of one of the family's own linears."""
    return Part(own, own, shape.linears[own][1], None)


def part_of(shape: ModelShape, role: str) -> Part:
    """The outputs of a role.

    Raises:
        ModelError: The family has no linear with that role.
    """
    (own,) = roles_of(shape.family, (role,))
    if own == role:
        return whole(shape, own)
    if own == "gate_up":
        halves = torch.arange(shape.linears[own][1]).chunk(2)
        columns = halves[("gate", "up").index(role)]
    elif shape.family.by_head:
        of_head = torch.arange(3 * shape.k)[None] + 3 * shape.k * torch.arange(shape.h)[:, None]  # (h, 3 k)
        columns = of_head.chunk(3, dim=1)[("q", "k", "v").index(role)].flatten()
    else:
        sizes = [heads * shape.k for heads in (shape.h, shape.g, shape.g)]
        columns = torch.arange(sum(sizes)).split(sizes)[("q", "k", "v").index(role)]
    return Part(role, own, len(columns), columns)


def parts_of(shape: ModelShape, roles: tuple[str, ...]) -> tuple[Part, ...]:
    """The outputs of several roles, each once.

    Raises:
        ModelError: The family lacks one of them.
    """
    return tuple(part_of(shape, role) for role in dict.fromkeys(roles))
