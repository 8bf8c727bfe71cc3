"""A registered function, the rows of a batch that it serves, and the forward in which it runs."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from jaxtyping import Bool, Float
from torch import Tensor, nn

from engine.models.inputs import Pictures

F = TypeVar("F")

RowSlice = slice | None
"""Which rows of a batch a hook serves; None for all."""


@dataclass(frozen=True, slots=True)
class Hook(Generic[F]):
    """A registered function and the rows it serves."""

    run: F
    rows: RowSlice


@dataclass(slots=True)
class ForwardContext:
    """Facts about the forward that is going on, for the sites: set anew by every forward of the view.

    Attributes:
        rows: Rows of the batch. Some families flatten rows and positions before their MLP; this undoes it.
        virtual: Which key positions are virtual, front or inside the text; None when none are.
        bias: Added to the scores of each key position seen from the text: log(strength) at virtual positions, else 0;
            None when all are 0.
        pictures: What stands beside the rows; empty where nothing does.
        read: What modules made of these pictures before the first layer, by module; see `Sites.read_pictures`.
    """

    rows: int = 0
    virtual: Bool[Tensor, "b s"] | None = None
    bias: Float[Tensor, "b s"] | None = None
    pictures: Pictures = ()
    read: dict[nn.Module, Tensor] = field(default_factory=dict)
