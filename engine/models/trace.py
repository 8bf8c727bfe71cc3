"""What the backbone did in one forward, for networks that run beside it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from jaxtyping import Bool, Float
from torch import Tensor, nn

from engine.models.layer_calls import LayerCall

CacheState = dict[str, Any]
"""What is kept beside a key/value cache, for hooks with a cached past."""


@dataclass(frozen=True, slots=True)
class BackboneTrace:
    """One forward of the backbone. Positions include virtual tokens.

    Attributes:
        states: Input of the first layer, then the output of every layer: l + 1 tensors (b, t, d).
        mask: True where a token stands, the cached past included.
        cache_state: The hook's own, kept with the cache between forwards, empty at first; None without a cache.
        calls: How every layer was called.
    """

    states: list[Float[Tensor, "b t d"]]
    mask: Bool[Tensor, "b s"]
    cache_state: CacheState | None
    calls: list[LayerCall] = field(default_factory=list)

    def of_rows(self, rows: slice, name: str) -> Self:
        """The trace of some rows, with the part of the cache state that has this name."""
        state = None if self.cache_state is None else self.cache_state.setdefault(name, {})
        calls = [call.of_rows(rows, len(self.mask)) for call in self.calls]
        return type(self)([states[rows] for states in self.states], self.mask[rows], state, calls)


@contextmanager
def traced(layers: Sequence[nn.Module]) -> Iterator[tuple[list[Tensor], list[LayerCall]]]:
    """Collect the states before and after every one of these layers, and how each was called."""
    states: list[Tensor] = []
    calls: list[LayerCall] = []
    handles = []

    def enter(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        state, call = LayerCall.of(args, kwargs)
        states.extend([] if states else [state])
        calls.append(call)

    def leave(_module: nn.Module, _args: tuple[Any, ...], out: Tensor | tuple[Tensor, ...]) -> None:
        states.append(out[0] if isinstance(out, tuple) else out)

    for layer in layers:
        handles.append(layer.register_forward_pre_hook(enter, with_kwargs=True))
        handles.append(layer.register_forward_hook(leave))
    try:
        yield states, calls
    finally:
        for handle in handles:
            handle.remove()
