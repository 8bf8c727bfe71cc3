"""A frozen base that several processes hold together: each has a share of it, and torch's FSDP2 puts them together.

A unit is a layer, or a matrix outside of the layers (word embeddings, head; tied ones are one unit). What is small and
outside of the layers, such as the last norm, stays whole. `fully_shard` cuts the tensors of a unit, made flat, into
equal shares. The model keeps parameters of the same shapes, but their memory is there only while their unit is
gathered: hooks gather a unit before its module runs and give the memory back afterwards, and do so once more in the
backward pass. The hooks go with the model into its views, whose parameters are the very same.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self, TypeVar

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh

M = TypeVar("M", bound=nn.Module)

UNIT = "gatelight_unit"
"""Attribute of a module whose parameters belong to a unit."""
NORM = "gatelight_norm"
"""Attribute of such a module: the Frobenius norm of its weight, in the process that had it whole."""

Fetch = Callable[["Unit"], None]
"""Gathers a unit as soon as all processes are ready for it."""
Deliver = Callable[[Tensor, Tensor], None]
"""Fills a process's share of a tensor that process 0 has whole; in the others that is on the meta device."""


class Held(nn.Module):
    """The tensors of one unit, made flat; what `fully_shard` cuts."""

    def __init__(self, tensors: list[nn.Parameter]) -> None:
        super().__init__()
        for number, tensor in enumerate(tensors):
            flat = torch.empty(tensor.numel(), dtype=tensor.dtype, device="meta")
            self.register_parameter(str(number), nn.Parameter(flat, requires_grad=False))


class Unit:
    """Some tensors of the base that are gathered together.

    Attributes:
        number: Which one of the model's.
        shards: All of them.
    """

    def __init__(self, number: int, shards: "Shards", tensors: list[nn.Parameter], mesh: DeviceMesh) -> None:
        self.number, self.shards = number, shards
        self._holders = 0
        from torch.distributed.fsdp import fully_shard  # noqa: PLC0415 - takes two seconds

        self._held: Any = fully_shard(Held(tensors), mesh=mesh, reshard_after_forward=True)
        self._held.to_empty(device=mesh.device_type)

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Views share the units of their base."""
        return self

    @property
    def nbytes(self) -> int:
        """Bytes of this process's share."""
        return sum(share.nbytes for share in self.shares)

    @property
    def shares(self) -> list[Tensor]:
        """This process's share of every tensor, while the unit is not gathered."""
        return [p.to_local() for p in self._held.parameters()]

    @property
    def gathered(self) -> list[Tensor]:
        """The tensors, flat, while the unit is gathered: always the same ones, whose memory comes and goes."""
        return [p.detach() for p in self._held.parameters()]

    def hold(self) -> bool:
        """Gather the tensors, unless they are; whether they were not. Every holder has to release them."""
        fresh = self._holders == 0
        if fresh:
            self.shards.fetch(self)
        self._holders += 1
        return fresh

    def release(self) -> None:
        """Give the memory back, if nobody else holds it."""
        if self._holders:  # what could not be gathered is released, too
            self._holders -= 1
            if not self._holders:
                self._held.reshard()

    def drop(self) -> None:
        """Give the memory back, whoever held it."""
        self._holders = 0
        self._held.reshard()

    def gather(self) -> None:
        """Take part in gathering, which all processes do at the same time."""
        self._held.reshard()  # who holds it gathers it once more, into the same tensors
        with torch.inference_mode(mode=False), torch.no_grad():
            self._held.unshard()

    def join(self) -> None:
        """Take part in gathering what another process needs."""
        self.gather()
        if not self._holders:
            self._held.reshard()

    def before(self, _module: nn.Module, _args: tuple[Any, ...]) -> None:
        """Hook before a module that is a unit."""
        self.hold()

    def after(self, _module: nn.Module, _args: tuple[Any, ...], output: Any) -> None:  # noqa: ANN401 - torch's own
        """Hook after it, also where it failed: the backward pass will need the unit once more."""
        self.release()
        if torch.is_grad_enabled():
            for part in output if isinstance(output, tuple) else (output,):
                if isinstance(part, Tensor) and part.requires_grad:
                    part.register_hook(self._before_backward)

    def _before_backward(self, _grad: Tensor) -> None:
        self.shards.turn_to(self)


class Shards:
    """The units of one model.

    Args:
        fetch: Gathers a unit as soon as all processes are ready for it.
    """

    def __init__(self, fetch: Fetch) -> None:
        self.fetch = fetch
        self.units: list[Unit] = []
        self._in_backward: Unit | None = None

    def turn_to(self, unit: Unit) -> None:
        """The backward pass comes to a unit, so it is through with the one before: autograd goes from late to early."""
        if self._in_backward is not unit:
            self.leave_backward()
            unit.hold()
            self._in_backward = unit

    def leave_backward(self) -> None:
        """The backward pass is over."""
        unit, self._in_backward = self._in_backward, None
        if unit is not None:
            unit.release()

    def drop(self) -> None:
        """Give the memory of all units back, whoever held them."""
        self._in_backward = None
        for unit in self.units:
            unit.drop()


def split(model: nn.Module, layers: str, mesh: DeviceMesh, fetch: Fetch, deliver: Deliver) -> Shards:
    """Split a model over the processes, in place, unit by unit. All of them call this at the same time.

    Args:
        model: Whole in process 0; the others have its large tensors on the meta device.
        layers: Path to its list of layers.
        mesh: The processes.
        fetch: Gathers a unit as soon as all processes are ready for it.
        deliver: Fills a process's share of a tensor.
    """
    shards = Shards(fetch)
    _note_norms(model, layers)
    for number, modules in enumerate(_modules_of_units(model, layers)):
        tensors = _tensors(modules)
        unit = Unit(number, shards, tensors, mesh)
        with torch.no_grad():
            for tensor, share in zip(tensors, unit.shares, strict=True):
                deliver(tensor.detach(), share)
        unit.gather()
        twins = {id(old): _shaped_as(old, flat) for old, flat in zip(tensors, unit.gathered, strict=True)}
        unit.drop()
        _put(model, twins)
        for module in modules:
            module.register_forward_pre_hook(unit.before)
            module.register_forward_hook(unit.after, always_call=True)
            for part in module.modules():
                setattr(part, UNIT, unit)
        shards.units.append(unit)
    _move_rest(model, mesh.device_type)
    return shards


def without_values(model: M, twin: M, layers: str) -> M:
    """A structural copy of a model, its large tensors put on the meta device: what other processes are sent."""
    tensors = [tensor for modules in _modules_of_units(model, layers) for tensor in _tensors(modules)]
    _put(twin, {id(tensor): _shaped_as(tensor, torch.empty_like(tensor, device="meta")) for tensor in tensors})
    return twin


@contextmanager
def whole(module: nn.Module) -> Iterator[bool]:
    """Within this a module's tensors can be read; gives whether their memory is gone afterwards."""
    unit: Unit | None = getattr(module, UNIT, None)
    if unit is None:
        yield False
        return
    fresh = unit.hold()
    try:
        yield fresh
    finally:
        unit.release()


def own_copy(module: M) -> M:
    """A deep copy of a part of a model that belongs to no unit."""
    with whole(module):
        out = copy.deepcopy(module)
    for part in out.modules():
        vars(part).pop(UNIT, None)
        for hooks in (part._forward_pre_hooks, part._forward_hooks):
            for key in [key for key, hook in hooks.items() if isinstance(getattr(hook, "__self__", None), Unit)]:
                del hooks[key]
    return out


def weight_norm(linear: nn.Module) -> float | None:
    """The Frobenius norm of a linear's weight; None where that is quantised, or known to another process only."""
    if hasattr(linear, UNIT):
        return getattr(linear, NORM, None)
    weight = getattr(linear, "weight", None)
    if not isinstance(weight, Tensor) or not weight.dtype.is_floating_point:
        return None
    return float(weight.detach().float().norm())


def bytes_of_shares(model: nn.Module) -> int:
    """Bytes that this process holds of what a model's units are."""
    units = {unit.number: unit for part in model.modules() if (unit := getattr(part, UNIT, None)) is not None}
    return sum(unit.nbytes for unit in units.values())


def _modules_of_units(model: nn.Module, layers: str) -> list[list[nn.Module]]:
    """The modules of every unit: each layer, and the matrices outside of them by the tensors that they share."""
    blocks = list(model.get_submodule(layers).children())
    inside = {id(part) for block in blocks for part in block.modules()}
    groups: list[list[nn.Module]] = []
    for part in model.modules():
        if id(part) in inside or next(part.children(), None) is not None:
            continue
        own = {id(p) for p in part.parameters() if p.dim() > 1}
        if own:
            tied = next((group for group in groups if own & {id(p) for p in _tensors(group)}), None)
            groups.append([part]) if tied is None else tied.append(part)
    return [*groups, *([block] for block in blocks)]


def _tensors(modules: list[nn.Module]) -> list[nn.Parameter]:
    """The parameters of some modules, each once."""
    return list({id(p): p for module in modules for p in module.parameters() if p.dim()}.values())


def _shaped_as(old: nn.Parameter, values: Tensor) -> nn.Parameter:
    return nn.Parameter(values.view(old.shape), requires_grad=False)


def _put(model: nn.Module, twins: dict[int, nn.Parameter]) -> None:
    """Put parameters in the places of others, wherever these are."""
    for part in model.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None and id(parameter) in twins:
                part._parameters[name] = twins[id(parameter)]


def _note_norms(model: nn.Module, layers: str) -> None:
    """Note the norms of the layers' matrices, which methods compare their changes with, while they are whole."""
    for part in model.get_submodule(layers).modules():
        weight = part._parameters.get("weight")
        if weight is not None and weight.dim() == 2 and weight.device.type != "meta":
            setattr(part, NORM, weight_norm(part))


def _move_rest(model: nn.Module, device: str) -> None:
    """Move what belongs to no unit to the device."""
    for part in model.modules():
        for parameter in part._parameters.values():
            if parameter is not None and not hasattr(part, UNIT):
                parameter.data = parameter.data.to(device)
        part._buffers.update({name: b if b is None else b.to(device) for name, b in part._buffers.items()})
