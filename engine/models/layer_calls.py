"""How the backbone calls its layers, so that copies of them can be called in the same way, whatever the family.

Masks, positions and rotations come from the backbone's own call; only the hidden states and the cache are the copy's.
"""

from dataclasses import dataclass
from typing import Any, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import Cache


@dataclass(frozen=True, slots=True)
class LayerCall:
    """One call of one layer, without its hidden states.

    Attributes:
        args: Positional arguments after the hidden states.
        kwargs: All others.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @classmethod
    def of(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Tensor, Self]:
        """The hidden states, and the rest of the call."""
        if args:
            return args[0], cls(args[1:], kwargs)
        return kwargs["hidden_states"], cls((), {k: v for k, v in kwargs.items() if k != "hidden_states"})

    def replay(self, layer: nn.Module, x: Float[Tensor, "b t d"], cache: Cache | None) -> Float[Tensor, "b t d"]:
        """The output of another layer of the same kind, with a cache of its own."""

        def with_new_cache(value: Any) -> Any:  # noqa: ANN401 - any argument
            return cache if isinstance(value, Cache) else value

        returned = layer(
            x,
            *map(with_new_cache, self.args),
            **{name: with_new_cache(value) for name, value in self.kwargs.items()},
        )
        out: Float[Tensor, "b t d"] = returned[0] if isinstance(returned, tuple) else returned
        return out

    def of_rows(self, rows: slice, count: int) -> Self:
        """The call with only some of its rows, out of `count`; what all rows share stays."""

        def cut(value: Any) -> Any:  # noqa: ANN401 - any argument
            if isinstance(value, tuple):
                return tuple(map(cut, value))
            if not isinstance(value, torch.Tensor) or value.dim() < 2 or len(value) % count:
                return value
            return value.unflatten(0, (count, -1))[rows].flatten(0, 1)  # an ALiBi bias has a row for every head

        return type(self)(cut(self.args), {name: cut(value) for name, value in self.kwargs.items()})
