"""What is told between processes that hold one base together, so that they gather each part of it at the same time.

Process 0 says on a line of its own which unit comes next. Between steps, while it validates or samples alone, the
others do nothing but join in. Within a step each has a forward and backward pass of its own rows, waits until the unit
that it needs is called, and joins in for all that is called before. So a process without rows, or one that has failed,
keeps nobody waiting, and what comes out of step ends with an error.
"""

import io
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from typing_extensions import override

from engine.core.errors import ExchangeError, RunError
from engine.core.settings import Settings
from engine.methods import method_class, method_spec
from engine.methods.base import Method, Start
from engine.methods.together.spec import SIGN, TogetherSettings
from engine.models.attention import register_attention
from engine.models.base import Base
from engine.models.shards import Shards, Unit, split, without_values
from engine.models.sharing import share_tensors
from engine.models.vision import VisionEncoder, load_vision
from engine.training.wire import PATIENCE, wire

MESSAGE, DONE = -1, -2
"""Said instead of a unit's number: that a message follows, and that process 0 is through with its rows."""


class Sharing:
    """The line between the processes, and what this one holds.

    Args:
        rank: Number of this process.
        count: Of all processes.
        device: Where the shares lie.

    Attributes:
        broken: Whether gathering has failed in this process, so that it cannot go on with the others.
    """

    def __init__(self, rank: int, count: int, device: torch.device) -> None:
        self._rank, self._count, self._device = rank, count, device
        self._line = torch.distributed.new_group(backend="gloo", timeout=PATIENCE)
        self._shards = Shards(self._fetch)
        self._working = False
        self.broken = False

    def tell(self, message: object) -> None:
        """In process 0: send a picklable value."""
        self._say(MESSAGE)
        with wire():
            torch.distributed.broadcast_object_list([message], group=self._line, device=torch.device("cpu"))

    def hear(self) -> object:
        """In any other process: join in until a message comes."""
        while (number := self._listen()) != MESSAGE:
            self._join(number)
        messages: list[object] = [None]
        with wire():
            torch.distributed.broadcast_object_list(messages, group=self._line, device=torch.device("cpu"))
        return messages[0]

    def split(self, base: Base) -> None:
        """Split a base over the processes, which all do at the same time."""
        mesh = init_device_mesh(self._device.type, (self._count,))
        with self._all_at_once():
            self._shards = split(base.model, base.shape.family.layers, mesh, self._fetch, self._deliver)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Around the passes of a step. However it ends in one process, the others get what they need of it."""
        self._shards.drop()
        self._working = True
        try:
            yield
        finally:
            self._shards.drop()
            if self._rank == 0 and not self.broken:
                self._say(DONE)
            while self._rank and self._working and not self.broken:
                self._join_next()

    def _fetch(self, unit: Unit) -> None:
        """Gather a unit that this process needs.

        Raises:
            RunError: Another process is gone, or process 0 has ended the step.
        """
        if self._rank == 0:
            self._say(unit.number)
        else:
            while self._join_next(unit.number) != unit.number:
                if not self._working:
                    text = "Process 0 of the run ended the step while others were still at work."
                    raise RunError("process_failed", text, rank=0, reason="…")
        with self._all_at_once():
            unit.gather()

    def _join(self, number: int) -> None:
        with self._all_at_once():
            self._shards.units[number].join()

    def _join_next(self, wanted: int = DONE) -> int:
        """In any other process: join in with what process 0 says next, unless that is what this one wants itself."""
        assert self._working, "between steps process 0 alone reads the base"
        number = self._listen()
        if number == DONE:
            self._working = False
        elif number != wanted:
            self._join(number)
        return number

    @contextmanager
    def _all_at_once(self) -> Iterator[None]:
        """Around what all processes do at the same time: where one fails in it, the others wait until it has ended."""
        try:
            with wire():
                yield
        except BaseException:
            self.broken = True
            raise

    def _say(self, number: int) -> None:
        with wire():
            torch.distributed.broadcast(torch.tensor([number]), 0, group=self._line)

    def _listen(self) -> int:
        said = torch.zeros(1, dtype=torch.long)
        with wire():
            torch.distributed.broadcast(said, 0, group=self._line)
        return int(said)

    def _deliver(self, tensor: Tensor, share: Tensor) -> None:
        """Send every process its share of a tensor that process 0 has."""
        size = -(-tensor.numel() // self._count)
        own = torch.zeros(size, dtype=share.dtype)
        parts: list[Tensor] | None = None
        if self._rank == 0:
            flat = torch.zeros(size * self._count, dtype=share.dtype)
            flat[: tensor.numel()] = tensor.reshape(-1)
            parts = [part.view(torch.uint8) for part in flat.split(size)]
        torch.distributed.scatter(own.view(torch.uint8), parts, 0, group=self._line)
        share.copy_(own[: len(share)])


class _Packer(pickle.Pickler):
    """Leaves out what only process 0 needs: what a method's first values were drawn with.

    The classes of several methods together are made where they are asked for, so they go by the methods' names; an
    encoder of pictures is read from its files by each process.
    """

    @override
    def reducer_override(self, obj: object) -> object:
        if isinstance(obj, Start):
            return _nothing, ()
        if isinstance(obj, VisionEncoder):
            return _same_encoder, (obj.name, obj.fingerprint)
        if isinstance(obj, type) and issubclass(obj, Method) and SIGN in obj.spec.name:
            return method_class, (obj.spec.name,)
        if isinstance(obj, type) and issubclass(obj, TogetherSettings) and obj.parts:
            return _settings_of, (SIGN.join(part.name for part in obj.parts),)
        return NotImplemented


def _nothing() -> None:
    """What a start becomes in the other processes."""


def _same_encoder(name: str, fingerprint: str) -> VisionEncoder:
    """An encoder as process 0 has it.

    Raises:
        ModelError: It cannot be loaded.
        ExchangeError: It has other weights here.
    """
    encoder = load_vision(name)
    if encoder.fingerprint != fingerprint:
        raise ExchangeError(
            "other_encoder",
            f"This adapter was trained with another vision encoder than {name!r} now holds: put the weights back "
            "that it was trained with.",
            name=name,
        )
    return encoder


def _settings_of(name: str) -> type[Settings]:
    """The class of a method's settings."""
    return method_spec(name).settings


def packed(base: Base, method: Method) -> bytes:
    """A base without its large tensors, and a method, for the other processes, which read no file of the base.

    Raises:
        RunError: The model runs code of its own, which the others do not have.
    """
    model = base.model
    if type(model).__module__.startswith("transformers_modules"):
        raise RunError(
            "sharded_code",
            f"The model {base.name!r} runs code of its own, so it cannot be split over processes: take an Accelerate "
            "config with distributed_type MULTI_GPU or MULTI_CPU.",
            name=base.name,
        )
    bare = replace(base, model=without_values(model, share_tensors(model), base.shape.family.layers))
    out = io.BytesIO()
    _Packer(out, pickle.HIGHEST_PROTOCOL).dump((bare, method))
    return out.getvalue()


def unpacked(data: bytes) -> tuple[Base, Method]:
    """What `packed` packed, in another process."""
    register_attention()
    base, method = pickle.loads(data)
    return base, method
