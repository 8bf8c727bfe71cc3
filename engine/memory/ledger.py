"""Counts the bytes of all live tensors while it is active, and their peak.

It intercepts every operation below autograd, so a tensor counts from the operation that makes it until its storage is
freed, including what is saved for the backward pass. A storage counts once, however many views share it. Tensors that
existed before do not count, so the result is what the observed code adds. A kernel's temporary workspace is not seen.
"""

import weakref
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from typing_extensions import override


class Ledger(TorchDispatchMode):
    """Live bytes of the code inside of `with`.

    Attributes:
        now: Bytes of live tensors.
        peak: Maximum of `now`.
        widest: Maximum of the live bytes of tensors whose last axis has size `width`.
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
        kwargs = dict(kwargs or {})
        inputs = {_key(tensor) for tensor in tensors_of((*args, *kwargs.values()))}
        out = self.run(func, args, kwargs)
        for tensor in tensors_of((out,)):
            if _key(tensor) not in inputs:
                self._note(tensor)
        return out

    def run(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
        """Run the operation."""
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


def tensors_of(values: tuple[Any, ...] | list[Any]) -> Iterator[Tensor]:
    """Tensors among an operation's arguments or results. These nest in lists and tuples only: pytrees would be slow."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_of(value)


def _key(tensor: Tensor) -> int:
    """Identity of a storage, also of an empty one or one on the meta device."""
    key: int = tensor.untyped_storage()._cdata
    return key
