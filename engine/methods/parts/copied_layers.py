"""A side network that is a copy of some of the base's own layers, with its last norm: no copy of the weights is shared.

A copy is called in the way in which the backbone called the layer itself in the same forward, so any family will do.
It keeps a key/value cache of its own beside the backbone's.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import DynamicCache
from typing_extensions import override

from engine.methods.parts.masking import readable_weight
from engine.models.base import Base
from engine.models.shape import ModelShape
from engine.models.shards import own_copy
from engine.models.trace import BackboneTrace


class CopiedLayers(nn.Module):
    """Copies of evenly spaced layers in fp32, lowest and highest among them.

    Raises:
        ModelError: The base's weights are quantised.
    """

    def __init__(self, base: Base, count: int, title: str) -> None:
        super().__init__()
        shape = base.shape
        self.chosen = spread(shape.l, count)
        for layer in self.chosen:
            for role in shape.linears:
                readable_weight(base, layer, role, title)
        layers = base.model.get_submodule(shape.family.layers)
        self.layers = nn.ModuleList(own_copy(layers[layer]) for layer in self.chosen)  # type: ignore[index]
        last = last_norm(shape)
        self.last = nn.Identity() if last is None else own_copy(base.model.get_submodule(last))
        self.float().requires_grad_(requires_grad=True)
        self.train()
        self._config = base.model.config

    @staticmethod
    def count(shape: ModelShape, layers: int) -> int:
        """All parameters of so many layers, and the last norm's gain (and bias)."""
        last = last_norm(shape)
        return layers * shape.layer_parameters + (0 if last is None else shape.d * (1 + shape.norms[last].bias))

    @override
    def train(self, mode: bool = True) -> "CopiedLayers":
        """The base's own dropout stays off."""
        return super().train(mode=False)

    def forward(self, trace: BackboneTrace) -> Float[Tensor, "b t d"]:
        """The copy's last hidden states."""
        cache: DynamicCache | None = None
        if trace.cache_state is not None:
            cache = trace.cache_state.setdefault("copies", DynamicCache(config=self._config))
        x = trace.states[0].detach().float()
        for layer, copied in zip(self.chosen, self.layers, strict=True):
            x = trace.calls[layer].replay(copied, x, cache)
        hidden: Float[Tensor, "b t d"] = self.last(x)
        return hidden


def spread(layers: int, count: int) -> list[int]:
    """Evenly spaced layers, lowest and highest among them."""
    return torch.linspace(0, layers - 1, count).round().int().tolist()


def last_norm(shape: ModelShape) -> str | None:
    """Path of the norm behind the last layer; None where there is none."""
    path = list(shape.norms)[-1]
    return None if path.startswith(f"{shape.family.layers}.") or "embed" in path else path
