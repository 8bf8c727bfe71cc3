"""BitFit: Simple Parameter-efficient Fine-tuning for Transformer-based Masked Language-models.

Ben Zaken, Goldberg, Ravfogel. ACL 2022. https://arxiv.org/abs/2106.10199

Only biases train, those of all linears and of all norms:

    y = W x + b_0 + b        norm(x) = gamma * xhat + beta_0 + beta

b_0 and beta_0 are the frozen model's own and b, beta what is learned on top, both from zero. A sum of two biases is a
bias, so this is exactly the tuning of those that exist; and where a model has none (llama has them nowhere) it is the
same as giving it biases of zero and tuning these. The frozen values stay as they are, so that the base can be had back
and an adapter's file holds only the change.

A bias of the keys adds the same number, q b, to all scores of a query, and softmax does not see it, unless keys are
rotated: so "all" leaves it out where they are not (gpt2, opt, bert and its kin, bloom). The paper found that the keys'
biases do not move.

Differences from the paper: no task head of its own. Its smallest variant, biases of queries and of the first linear
of the MLP alone, is a preset. Strength s scales b and beta. Where a family fuses q, k and v into one linear (gpt2,
gpt_neox, phi3), a target gets a bias only on its own outputs.

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
from engine.methods.bias.spec import ALL, SPEC, BiasSettings
from engine.methods.parts.activation_changes import Changes, Observed, change_report, mean_frame, relative_changes
from engine.methods.parts.tuned_norms import layer_of
from engine.models.family import FUSED_ROLES
from engine.models.fused import RoleOutputs, outputs_of_roles
from engine.models.shape import ModelShape
from engine.models.sites import Sites
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.observe import ProbeInput
from engine.telemetry.probe_reports import ChangeReport

ROLES = ("q", "k", "v", "o", "gate", "up", "down")


class BiasTuning(Method[BiasSettings]):
    """A learned bias on linears and norms."""

    spec = SPEC

    def __init__(self, settings: BiasSettings, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        self._parts = _parts(settings, shape)
        self._norms = tuple(shape.norms) if settings.norms else ()
        self.linears = nn.ParameterDict()
        for layer in range(shape.l):
            for part in self._parts:
                self.linears[f"{layer}_{part.role}"] = nn.Parameter(torch.zeros(part.size))
        self.norms = nn.Parameter(torch.zeros(len(self._norms), shape.d)) if self._norms else None

    @classmethod
    @override
    def build(cls, settings: BiasSettings, shape: ModelShape, start: Start) -> Self:
        return cls(settings, shape)

    @classmethod
    @override
    def count(cls, settings: BiasSettings, shape: ModelShape) -> dict[str, int]:
        """The outputs of all targets of all layers; d for every norm."""
        counts = {"linears": shape.l * sum(part.size for part in _parts(settings, shape))}
        counts["norms"] = len(shape.norms) * shape.d if settings.norms else 0
        return {name: count for name, count in counts.items() if count}

    @property
    @override
    def starts_at_base(self) -> bool:
        return True

    @override
    def attach(self, sites: Sites) -> None:
        for layer in range(self.shape.l):
            for part in self._parts:
                sites.add_linear(layer, part.linear, partial(self.add_to_linear, layer, part))
        for row, path in enumerate(self._norms):
            sites.add_norm(path, partial(self.add_to_norm, row, layer_of(path, self.shape)))

    def add_to_linear(
        self, layer: int, part: RoleOutputs, _x: Float[Tensor, "*b i"], y: Float[Tensor, "*b o"]
    ) -> Float[Tensor, "*b o"] | None:
        """The bias s b, 0 outside of the part; None at strength 0."""
        if self.is_off(layer):
            return None
        bias = self.control.strength * self.linears[f"{layer}_{part.role}"]
        return part.scatter(bias, y.shape[-1]).expand_as(y)

    def add_to_norm(
        self, row: int, layer: int | None, _x: Float[Tensor, "*b d"], y: Float[Tensor, "*b d"]
    ) -> Float[Tensor, "*b d"] | None:
        """The bias s beta; None at strength 0."""
        if self.is_off(layer):
            return None
        assert self.norms is not None
        return (self.control.strength * self.norms[row]).expand_as(y)

    @override
    def validation_events(self, step: int, view: View, probe_input: ProbeInput) -> Iterator[Event]:
        yield mean_frame(step, self._changes(view, probe_input))

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> ChangeReport:
        return change_report(self._changes(view, probe_input), probe_input)

    def _changes(self, view: View, probe_input: ProbeInput) -> Changes:
        """How much each bias changes the output that it is added to; norms outside of the layers are left out."""
        observed = {}
        for layer in range(self.shape.l):
            for part in self._parts:
                observed[layer, part.role] = Observed(view.sites.linear(layer, part.linear), part.columns)
            inner = [path for path in self._norms if layer_of(path, self.shape) == layer]
            for number, path in enumerate(inner, 1):
                observed[layer, f"norm {number}"] = Observed(view.sites.module(path))
        return relative_changes(observed, probe_input)


def _parts(settings: BiasSettings, shape: ModelShape) -> tuple[RoleOutputs, ...]:
    """The outputs of linears that get a bias.

    Raises:
        ModelError: The family lacks one of the targets.
    """
    targets = tuple(settings.targets.split())
    if ALL not in targets:
        return outputs_of_roles(shape, targets)
    rotated = shape.family.positions == "rotary"
    present = [role for role in ROLES if role in shape.linears or FUSED_ROLES.get(role) in shape.linears]
    return outputs_of_roles(shape, tuple(role for role in present if rotated or role != "k"))
