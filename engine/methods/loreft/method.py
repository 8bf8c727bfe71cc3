"""LoReFT: Representation Finetuning for Language Models, with low-rank linear subspaces.

Wu, Arora, Wang, Geiger, Jurafsky, Manning, Potts. NeurIPS 2024. https://arxiv.org/abs/2404.03592

No weight changes; the states h that leave a layer are edited, within a subspace of r directions:

    h' = h + R^T (W h + b - R h)        R: (r, d) with orthonormal rows; W: (r, d), b: (r)

So within the subspace the state becomes W h + b, and outside of it it stays. R is made from a free matrix by a QR
decomposition whose triangle has a positive diagonal (pyreft: torch's orthogonal parametrisation, which spans the same
matrices); a file holds R itself.

Differences from the paper: states change at every position, not at some of the prompt's first and last tokens, so the
answer's own tokens are edited too, in training and when it writes. W starts at R and b at zero, so that training starts
next to the base; in pyreft W starts at random.

Starts at base: nearly, but for rounding.
"""

from collections.abc import Iterator
from functools import partial
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from engine.methods.base import Method, Start
from engine.methods.loreft.spec import SPEC, LoReftSettings
from engine.methods.parts.activation_changes import Changes, Observed, change_report, mean_frame, relative_changes
from engine.models.shape import ModelShape
from engine.models.sites import Sites
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.observe import ProbeInput
from engine.telemetry.probe_reports import ChangeReport


class LoReft(Method[LoReftSettings]):
    """Edits of the states that leave each layer, within a learned subspace."""

    spec = SPEC

    def __init__(self, settings: LoReftSettings, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        self.layers = settings.chosen(shape)
        count = len(self.layers)
        self.rotations = nn.Parameter(torch.zeros(count, settings.rank, shape.d))
        self.weights = nn.Parameter(torch.zeros(count, settings.rank, shape.d))
        self.biases = nn.Parameter(torch.zeros(count, settings.rank))
        self._orthonormal = False
        """Whether `rotations` holds R itself, which is so after folding."""

    @classmethod
    @override
    def build(cls, settings: LoReftSettings, shape: ModelShape, start: Start) -> Self:
        method = cls(settings, shape)
        with torch.no_grad():
            method.rotations.normal_(generator=start.rng)
            method.rotations.copy_(orthonormal(method.rotations))
            method.weights.copy_(method.rotations)
        return method

    @classmethod
    @override
    def count(cls, settings: LoReftSettings, shape: ModelShape) -> dict[str, int]:
        """R (2 d + 1) for every layer, as R is held."""
        layers = len(settings.chosen(shape))
        matrix = layers * settings.rank * shape.d
        return {"rotations": matrix, "weights": matrix, "biases": layers * settings.rank}

    @property
    @override
    def starts_at_base(self) -> bool:
        return False

    @override
    def attach(self, sites: Sites) -> None:
        for row, layer in enumerate(self.layers):
            sites.add_layer(layer, partial(self.edit, row))

    def edit(self, row: int, _x: Float[Tensor, "*b d"], h: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"] | None:
        """S R^T (W h + b - R h); None where it is off."""
        if self.is_off(self.layers[row]):
            return None
        r, h = self.rotation(row), h.float()
        wanted = nn.functional.linear(h, self.weights[row] - r, self.biases[row])
        wanted = nn.functional.dropout(wanted, self.settings.dropout, self.training)
        return (wanted @ r) * self.control.strength

    def rotation(self, row: int) -> Float[Tensor, "r d"]:
        """R of one of the layers."""
        return self.rotations[row] if self._orthonormal else orthonormal(self.rotations[row])

    @override
    @torch.no_grad()
    def fold(self) -> None:
        if not self._orthonormal:
            self.rotations.copy_(orthonormal(self.rotations))
            self._orthonormal = True

    @override
    def validation_events(self, step: int, view: View, probe_input: ProbeInput) -> Iterator[Event]:
        yield mean_frame(step, self._changes(view, probe_input))

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> ChangeReport:
        return change_report(self._changes(view, probe_input), probe_input)

    def _changes(self, view: View, probe_input: ProbeInput) -> Changes:
        """How much the states of each layer change where they leave it."""
        observed = {(layer, "h"): Observed(view.sites.layer(layer)) for layer in self.layers}
        return relative_changes(observed, probe_input)


def orthonormal(free: Float[Tensor, "*n r d"]) -> Float[Tensor, "*n r d"]:
    """Orthonormal rows that span those of a free matrix: Q of its QR decomposition, with a positive diagonal of R."""
    q, triangle = torch.linalg.qr(free.mT)
    signs = torch.where(triangle.diagonal(dim1=-2, dim2=-1) < 0, -1.0, 1.0)
    out: Tensor = (q * signs[..., None, :]).mT
    return out
