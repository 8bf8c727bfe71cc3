"""(IA)^3: Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context Learning.

Liu, Tam, Muqeeth, Mohta, Huang, Bansal, Raffel. NeurIPS 2022. https://arxiv.org/abs/2205.05638

Learned vectors inhibit and amplify inner activations, element by element: the keys and values of every attention, and
what goes into the last linear of every MLP:

    softmax(q (l_k * k)^T / sqrt(k)) (l_v * v)        W_down (l_ff * act(W_up x))

All vectors start at one, and the model with them is the base to the bit: y + 0 * y is y. Keys are scaled as they leave
their linear, before they are rotated.

Differences from the paper: trained with cross-entropy alone, without the unlikelihood and length-normalised losses of
the authors' recipe T-Few. As an option any other linear, at its output or its input. Strength s makes a factor
1 + s (l - 1).

Where a family fuses q, k and v into one linear (gpt2, gpt_neox, phi3), only its keys and values are scaled, as the
paper says; with `whole_linears` its queries are too, which is what HF peft implements.

Starts at base: yes.
"""

from collections.abc import Iterator
from functools import partial
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from engine.methods.base import Method, Start
from engine.methods.ia3.spec import SPEC, IA3Settings
from engine.methods.parts.activation_changes import Observed, change_report, relative_changes
from engine.models.family import linear_roles
from engine.models.fused import RoleOutputs, outputs_of_linear, outputs_of_roles
from engine.models.shape import ModelShape
from engine.models.sites import Sites
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.method_events import UpdateFrame
from engine.telemetry.observe import ProbeInput
from engine.telemetry.probe_reports import ChangeReport


class IA3(Method[IA3Settings]):
    """Learned factors on keys, values and inner activations."""

    spec = SPEC

    def __init__(self, settings: IA3Settings, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        self._at_input, self._parts = _scaled(settings, shape)
        self.vectors = nn.ParameterDict()
        for layer in range(shape.l):
            for part in self._parts:
                self.vectors[f"{layer}_{part.role}"] = nn.Parameter(torch.ones(part.size))

    @classmethod
    @override
    def build(cls, settings: IA3Settings, shape: ModelShape, start: Start) -> Self:
        return cls(settings, shape)

    @classmethod
    @override
    def count(cls, settings: IA3Settings, shape: ModelShape) -> dict[str, int]:
        """The number of scaled activations, over all layers."""
        _, parts = _scaled(settings, shape)
        return {"vectors": shape.l * sum(part.size for part in parts)}

    @property
    @override
    def starts_at_base(self) -> bool:
        return True

    @property
    def at_input(self) -> tuple[str, ...]:
        """The roles that are scaled at their input."""
        return self._at_input

    @property
    def parts(self) -> tuple[RoleOutputs, ...]:
        """What is scaled in every layer."""
        return self._parts

    @override
    def attach(self, sites: Sites) -> None:
        for layer in range(self.shape.l):
            for part in self._parts:
                if part.role in self._at_input:
                    sites.add_linear_input(layer, part.linear, partial(self.scaling, layer, part))
                else:
                    sites.add_linear(layer, part.linear, partial(self.scaled_output, layer, part))

    def scaling(self, layer: int, part: RoleOutputs, x: Float[Tensor, "*b o"]) -> Float[Tensor, "*b o"] | None:
        """What scaling adds: s (l - 1) x, 0 outside of the part; None at strength 0."""
        if self.is_off(layer):
            return None
        change = self.control.strength * (self.vectors[f"{layer}_{part.role}"] - 1)
        return part.scatter(change, x.shape[-1]) * x

    def scaled_output(
        self, layer: int, part: RoleOutputs, _x: Float[Tensor, "*b i"], y: Float[Tensor, "*b o"]
    ) -> Float[Tensor, "*b o"] | None:
        """The same for what a linear gives out."""
        return self.scaling(layer, part, y)

    @override
    def parameter_events(self, step: int) -> Iterator[Event]:
        def deviation(layer: int, role: str) -> float:
            """Root mean square of l - 1: by how much it changes what it scales."""
            return round(float((self.vectors[f"{layer}_{role}"] - 1).square().mean().sqrt()), 6)

        layers, roles = list(range(self.shape.l)), [part.role for part in self._parts]
        ratio = [[deviation(layer, role) for role in roles] for layer in layers]
        yield UpdateFrame(step=step, layers=layers, targets=roles, ratio=ratio)

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> ChangeReport:
        observed = {
            (layer, part.role): Observed(
                view.sites.linear(layer, part.linear), part.columns, at_input=part.role in self._at_input
            )
            for layer in range(self.shape.l)
            for part in self._parts
        }
        return change_report(relative_changes(observed, probe_input), probe_input)


def _scaled(settings: IA3Settings, shape: ModelShape) -> tuple[tuple[str, ...], tuple[RoleOutputs, ...]]:
    """The roles that are scaled at their input, which are always whole linears, and all that is scaled.

    Raises:
        ModelError: The family lacks a role.
    """
    targets, inputs = settings.targets.split(), settings.inputs.split()
    linear_roles(shape.family, tuple(inputs))  # a name that the family lacks is an error, not a role that no target has
    entered = linear_roles(shape.family, tuple(role for role in targets if role in inputs))
    left = tuple(role for role in targets if role not in inputs)
    if settings.whole_linears:
        outputs = tuple(outputs_of_linear(shape, linear) for linear in linear_roles(shape.family, left))
    else:
        outputs = outputs_of_roles(shape, left)
    return entered, (*outputs, *(RoleOutputs(role, role, shape.linears[role][0], None) for role in entered))
