"""Where a role's outputs are: those of a linear of its own, or some of those of a linear that serves several roles."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from engine.models.family import linear_roles
from engine.models.shape import ModelShape


@dataclass(frozen=True, slots=True)
class RoleOutputs:
    """The outputs of one role.

    Attributes:
        role: The role: "k".
        linear: The role of the linear that computes them: "k", or "qkv" where a family has it fused.
        size: How many they are.
        columns: Which of the linear's outputs they are; None for all.
    """

    role: str
    linear: str
    size: int
    columns: Int[Tensor, " o"] | None

    def scatter(self, values: Float[Tensor, " o"], width: int) -> Float[Tensor, " {width}"]:
        """One value for each output of the linear: 0 where it serves other roles."""
        if self.columns is None:
            return values
        return values.new_zeros(width).index_copy(0, self.columns.to(values.device), values)


def outputs_of_linear(shape: ModelShape, linear: str) -> RoleOutputs:
    """All outputs of one of the family's own linears."""
    return RoleOutputs(linear, linear, shape.linears[linear][1], None)


def outputs_of_role(shape: ModelShape, role: str) -> RoleOutputs:
    """The outputs of a role.

    Raises:
        ModelError: The family has no linear with that role.
    """
    (linear,) = linear_roles(shape.family, (role,))
    if linear == role:
        return outputs_of_linear(shape, linear)
    if linear == "gate_up":
        halves = torch.arange(shape.linears[linear][1]).chunk(2)
        columns = halves[("gate", "up").index(role)]
    elif shape.family.qkv_by_head:
        of_head = torch.arange(3 * shape.k)[None] + 3 * shape.k * torch.arange(shape.h)[:, None]  # (h, 3 k)
        columns = of_head.chunk(3, dim=1)[("q", "k", "v").index(role)].flatten()
    else:
        sizes = [heads * shape.k for heads in (shape.h, shape.g, shape.g)]
        columns = torch.arange(sum(sizes)).split(sizes)[("q", "k", "v").index(role)]
    return RoleOutputs(role, linear, len(columns), columns)


def outputs_of_roles(shape: ModelShape, roles: tuple[str, ...]) -> tuple[RoleOutputs, ...]:
    """The outputs of several roles, each once.

    Raises:
        ModelError: The family lacks one of them.
    """
    return tuple(outputs_of_role(shape, role) for role in dict.fromkeys(roles))
