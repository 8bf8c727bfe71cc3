"""Norms that train: offsets on the frozen gain and bias of every norm of the residual stream.

    norm(x) = gamma * xhat + beta           the frozen norm
    change  = dgamma * xhat + dbeta         what a method adds to it

xhat is computed again from the norm's input, in fp32, so that the frozen weights are never read. dbeta is there only
where the frozen norm has a bias. Both start at zero, so weight decay pulls towards the base.
"""

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.methods.base import Method
from engine.models.shape import ModelShape, NormShape
from engine.models.sites import Sites
from engine.telemetry.method_events import NormFrame
from engine.telemetry.observe import rounded


class TunedNorms(nn.Module):
    """The offsets of all norms of one model, a part of a method."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self._norms = shape.norms
        self._rows = {path: row for row, path in enumerate(shape.norms)}
        self._biased = {path: row for row, path in enumerate(p for p, norm in shape.norms.items() if norm.bias)}
        self._layers = {path: layer_of(path, shape) for path in shape.norms}
        self.gamma = nn.Parameter(torch.zeros(len(self._rows), shape.d))
        self.beta = nn.Parameter(torch.zeros(len(self._biased), shape.d)) if self._biased else None

    @staticmethod
    def count(shape: ModelShape) -> int:
        """Width d for the gain of every norm, and d for its bias where it has one."""
        return sum(shape.d * (2 if norm.bias else 1) for norm in shape.norms.values())

    def attach(self, sites: Sites, method: Method) -> None:
        """Let the offsets act for the method that they belong to, and obey its dials."""
        for path in self._norms:
            sites.add_norm(path, partial(self.act, method, path))

    def act(
        self, method: Method, path: str, x: Float[Tensor, "*b d"], _y: Float[Tensor, "*b d"]
    ) -> Float[Tensor, "*b d"] | None:
        """What one norm's output gains: s (dgamma xhat + dbeta)."""
        if method.is_off(self._layers[path]):
            return None
        change = self.gamma[self._rows[path]] * normalised(x, self._norms[path])
        if self.beta is not None and path in self._biased:
            change = change + self.beta[self._biased[path]]
        return method.control.strength * change

    def frame(self, step: int) -> NormFrame:
        """How far every norm went from the base, root mean square over its d entries."""
        gamma = rounded(self.gamma.square().mean(-1).sqrt(), 6)
        beta = [] if self.beta is None else rounded(self.beta.square().mean(-1).sqrt(), 6)
        return NormFrame(
            step=step,
            norms=list(self._norms),
            gamma=gamma,
            beta=[beta[self._biased[path]] if path in self._biased else 0.0 for path in self._norms],
        )


def normalised(x: Float[Tensor, "*b d"], norm: NormShape) -> Float[Tensor, "*b d"]:
    """A norm's input without mean (LayerNorm only) and with unit variance, in fp32."""
    x = x.float()
    if norm.centred:
        x = x - x.mean(-1, keepdim=True)
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + norm.eps)


def layer_of(path: str, shape: ModelShape) -> int | None:
    """The layer that a module of the backbone belongs to, None for those before and after the layers."""
    stem = f"{shape.family.layers}."
    return int(path.removeprefix(stem).split(".")[0]) if path.startswith(stem) else None
