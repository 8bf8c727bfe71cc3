"""LRU caches of bases and trained methods, so that queries about a run do not load them again."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.config.training import TRUST
from engine.core.errors import RunError
from engine.exchange.native import load_adapter, load_tensors
from engine.methods.base import Method
from engine.models.base import Base
from engine.models.loading import load_base, resolve_device, resolve_precision
from engine.runs.folder import RunFolder
from engine.service.permission import NO_TRUST, Trust
from engine.training.checkpoint import restore_method, whole_checkpoint
from engine.training.launch import base_for, build_method

KEPT_BASES = 2
KEPT_METHODS = 8


class ModelCache:
    """Loads bases and methods, and keeps the most recently used ones.

    Args:
        loaded: Called with the name, precision and base whenever a base is loaded from its files.
    """

    def __init__(self, loaded: Callable[[str, str, Base], None]) -> None:
        self._loaded = loaded
        self._bases: OrderedDict[tuple[str, str, str, str, tuple[str, ...]], Base] = OrderedDict()
        self._methods: OrderedDict[tuple[Path, int | None, float, bool], Method] = OrderedDict()
        self._trust: Trust = NO_TRUST
        self._other_weights = False

    @contextmanager
    def trusting(self, trust: Trust, *, other_weights: bool = False) -> Iterator[None]:
        """Load bases with this trust, for the time of one job; it must have been given for their model.

        Args:
            trust: See `engine.service.permission`.
            other_weights: Whether a base may have other weights than the one that a method was trained on.
        """
        before = self._trust, self._other_weights
        self._trust, self._other_weights = trust, other_weights
        try:
            yield
        finally:
            self._trust, self._other_weights = before

    def base(self, model: str, precision: str = "fp32", **loading: Any) -> Base:  # noqa: ANN401 - see `load_base`
        """A base; at most `KEPT_BASES` are in memory. One that was loaded with trust serves those alone who give it.

        Raises:
            ModelError: It cannot be loaded.
        """
        loading = {**loading, **self._trust}
        device = resolve_device(loading.get("device", "auto"))
        trusted = tuple(name for name in TRUST if loading.get(name))
        key = (model, resolve_precision(precision, device), device, loading.get("attention", "auto"), trusted)
        if key not in self._bases:
            while len(self._bases) >= KEPT_BASES:
                self._bases.popitem(last=False)
            self._bases[key] = load_base(model, precision, **loading)
            self._loaded(model, self._bases[key].precision, self._bases[key])
        self._bases.move_to_end(key)
        return self._bases[key]

    def tuned(self, folder: RunFolder, step: int | None) -> tuple[Base, Method]:
        """A run's base, and its method as it was at a snapshot; None for the run's adapter.

        Raises:
            RunError: There is no such snapshot, or no adapter yet.
            WorkbenchError: The base cannot be loaded.
        """
        base = base_for(folder.config, self.base)
        path = folder.adapter_path / "adapter.safetensors" if step is None else folder.snapshot_path(step)
        if not path.exists():
            raise RunError(
                "no_snapshot",
                f"The run {folder.id!r} keeps nothing from step {step}: choose one of its snapshots.",
                run=folder.id,
                step=step,
            )
        key = (path, step, path.stat().st_mtime, self._other_weights)
        if key not in self._methods:
            while len(self._methods) >= KEPT_METHODS:
                self._methods.popitem(last=False)
            self._methods[key] = _read_method(folder, step, base, other_weights=self._other_weights)
        return base, self._methods[key]

    def as_trained(self, folder: RunFolder) -> tuple[Base, Method]:
        """A run's base, and its method from the newest checkpoint; where there is none, from its adapter.

        A checkpoint has the structure used in training; an adapter is folded, for example to an average of experts.
        """
        if (path := whole_checkpoint(folder)) is None:
            return self.tuned(folder, None)
        base = base_for(folder.config, self.base)
        method = build_method(folder.config, base, folder.head)
        restore_method(path, method)
        return base, method.to(base.device)


def _read_method(folder: RunFolder, step: int | None, base: Base, *, other_weights: bool) -> Method:
    """A method from an adapter folder (no step) or from a snapshot."""
    if step is None:
        return load_adapter(folder.adapter_path, base, other_weights=other_weights)
    method = build_method(folder.config, base, folder.head)
    method.fold()
    load_tensors(method, folder.snapshot_path(step))
    return method.to(base.device)
