"""A method's warm-up, made once for all runs that begin alike: those of a ladder, trials of a search, a second try.

It may take minutes (a distilled side network, the decompositions of PiSSA on a large base), and follows from the base,
the method's first values and settings, and the seed alone. So what it came to is kept as long as the base is loaded.
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Generator
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from engine.methods.base import Method, Start
from engine.models.base import Base

MOST_BYTES = 256 * 2**20
"""Kept of one base; what was not used for longest goes first."""

Results = OrderedDict[str, dict[str, Tensor]]
"""The tensors that a warm-up changed, on the CPU, by what it followed from; the one that was used last stands last."""

_kept: WeakKeyDictionary[torch.nn.Module, Results] = WeakKeyDictionary()
"""By the model of a base."""


def warm_up(method: Method, base: Base, seed: int) -> Generator[float]:
    """What the method does before its first step; yields the share that is done, and nothing where it is known.

    Closed before its end, it is undone.
    """
    if type(method).warm_up is Method.warm_up:
        return
    initial = {name: values.clone() for name, values in method.state_dict().items()}
    results, key = _kept.setdefault(base.model, OrderedDict()), _key(method, initial, seed)
    if key in results:
        results.move_to_end(key)
        method.load_state_dict(results[key], strict=False)
        return
    try:
        yield from method.warm_up(Start.of(base, seed))
    except GeneratorExit:
        method.load_state_dict(initial)
        raise
    final = method.state_dict()
    changed = {name: final[name].cpu().clone() for name in final if not torch.equal(final[name], initial[name])}
    if changed:
        results[key] = changed
        while sum(map(_bytes, results.values())) > MOST_BYTES:
            results.popitem(last=False)


def _key(method: Method, initial: dict[str, Tensor], seed: int) -> str:
    """All that a warm-up follows from, other than the base."""
    digest = hashlib.sha256(json.dumps([method.spec.name, method.settings.to_dict(), seed]).encode())
    for name, values in initial.items():
        digest.update(f"{name} {tuple(values.shape)} {values.dtype}".encode())
        digest.update(values.cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _bytes(tensors: dict[str, Tensor]) -> int:
    return sum(values.nbytes for values in tensors.values())
