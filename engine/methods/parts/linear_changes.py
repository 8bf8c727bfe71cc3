"""What methods share that change the outputs, or the inputs, of chosen linears in all layers alike."""

import math
from abc import abstractmethod
from collections.abc import Iterator
from functools import partial
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from engine.methods.base import Method
from engine.methods.parts.activation_changes import Observed, change_report, relative_changes
from engine.methods.spec import S
from engine.models.family import targeted_linears
from engine.models.shape import ModelShape
from engine.models.shards import weight_norm
from engine.models.sites import Sites
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.method_events import UpdateFrame
from engine.telemetry.observe import ProbeInput
from engine.telemetry.probe_reports import ChangeReport


def linear_sizes(targets: str, shape: ModelShape) -> dict[str, tuple[int, int]]:
    """(inputs, outputs) of the linears that a setting `targets` names, by role."""
    return {role: shape.linears[role] for role in targeted_linears(shape.family, targets)}


class LinearChange(Method[S]):
    """A method that adds a linear function of each chosen linear's input to its output, or to the input itself."""

    at_input: ClassVar[bool] = False
    """Whether it adds to the input."""

    def __init__(self, settings: S, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        self.sizes = linear_sizes(settings.to_dict()["targets"], shape)
        self._weight_norms: dict[str, float] = {}

    @abstractmethod
    def change(self, key: str, x: Float[Tensor, "*b i"]) -> Float[Tensor, "*b o"]:
        """What is added at the linear with that key ("3_q") at full strength."""

    @abstractmethod
    def size(self, key: str) -> float:
        """The Frobenius norm of the change as a matrix: beside that of the weight, or at the input of the identity."""

    @property
    def keys(self) -> list[str]:
        """Layer and role of every changed linear, lowest layer first."""
        return [f"{layer}_{role}" for layer in range(self.shape.l) for role in self.sizes]

    @property
    @override
    def starts_at_base(self) -> bool:
        return True

    @override
    def attach(self, sites: Sites) -> None:
        for layer in range(self.shape.l):
            for role in self.sizes:
                if self.at_input:
                    sites.add_linear_input(layer, role, partial(self._add, layer, role))
                    self._weight_norms[f"{layer}_{role}"] = math.sqrt(self.sizes[role][0])
                else:
                    sites.add_linear(layer, role, partial(self._add, layer, role))
                    self._note_weight(f"{layer}_{role}", sites.linear(layer, role).module)

    def _note_weight(self, key: str, linear: nn.Module) -> None:
        if (norm := weight_norm(linear)) is not None:
            self._weight_norms[key] = norm

    def _add(
        self, layer: int, role: str, x: Float[Tensor, "*b i"], _y: Float[Tensor, "*b o"] | None = None
    ) -> Float[Tensor, "*b o"] | None:
        if self.is_off(layer):
            return None
        dropped = nn.functional.dropout(x.float(), getattr(self.settings, "dropout", 0.0), self.training)
        return self.change(f"{layer}_{role}", dropped) * self.control.strength

    @override
    def parameter_events(self, step: int) -> Iterator[Event]:
        def ratio(key: str) -> float:
            return round(self.size(key) / self._weight_norms.get(key, 1.0), 6)

        layers, roles = list(range(self.shape.l)), list(self.sizes)
        grid = [[ratio(f"{layer}_{role}") for role in roles] for layer in layers]
        yield UpdateFrame(step=step, layers=layers, targets=roles, ratio=grid)

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> ChangeReport:
        observed = {
            (layer, role): Observed(view.sites.linear(layer, role), at_input=self.at_input)
            for layer in range(self.shape.l)
            for role in self.sizes
        }
        return change_report(relative_changes(observed, probe_input), probe_input)
