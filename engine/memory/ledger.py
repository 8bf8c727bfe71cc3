"""Counts the bytes of all live tensors while it is active, and their peak.

It sees every operation below autograd, so a tensor counts from the operation that makes it until nothing holds it any
more: also what a backward pass keeps. A storage counts once, however many views look at it. Tensors that were there
before do not count, so the result is what a piece of work adds. What a kernel allocates for itself and gives back
before it returns is not seen.
"""

import weakref
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter
from typing_extensions import override


class Ledger(TorchDispatchMode):
    """Live bytes of the work inside of `with`.

    Attributes:
        now: Bytes of live tensors.
        peak: The most at any moment.
        widest: The most bytes of tensors whose last axis is `width` long.
    """

    def __init__(self, width: int = 0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = self.widest = self._wide = 0
        self._width = width
        self._known: dict[int, Any] = {}

    @override
    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = {_key(part) for part in tree_iter((args, kwargs)) if isinstance(part, Tensor)}
        out = self.run(func, args, dict(kwargs or {}))
        for part in tree_iter(out):
            if isinstance(part, Tensor) and _key(part) not in given:
                self._note(part)
        return out

    def run(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
        """The operation itself."""
        return func(*args, **kwargs)

    def _note(self, tensor: Tensor) -> None:
        storage, key = tensor.untyped_storage(), _key(tensor)
        if key in self._known:
            return
        size = storage.nbytes()
        wide = size if self._width and tensor.dim() and tensor.shape[-1] == self._width else 0
        self._known[key] = weakref.ref(storage, partial(self._forget, key, size, wide))
        self.now, self._wide = self.now + size, self._wide + wide
        self.peak, self.widest = max(self.peak, self.now), max(self.widest, self._wide)

    def _forget(self, key: int, size: int, wide: int, _: object) -> None:
        if self._known.pop(key, None) is not None:
            self.now, self._wide = self.now - size, self._wide - wide


def _key(tensor: Tensor) -> int:
    """What tells storages apart, also empty ones and those without memory."""
    key: int = tensor.untyped_storage()._cdata
    return key
