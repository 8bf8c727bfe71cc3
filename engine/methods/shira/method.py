"""SHiRA: Sparse High Rank Adapters.

Bhardwaj, Pandey, Priyadarshi, Ganapathy, Kadambi, Esteves, Borse, Whatmough, Garrepalli, van Baalen, Teague, Nagel.
NeurIPS 2024. https://arxiv.org/abs/2406.13175

A few weights of each linear, at random places, learn a change; all others stay:

    W' = W + S        S: r (inputs + outputs) values at fixed places, zero elsewhere

That is as many values as a LoRA of rank r has, without its bound on the rank. The places are drawn at random, for each
linear anew, and stand in the adapter's file. The values start at zero. Beside learned masks, which switch weights off,
this one moves them.

Differences from the paper: only its random mask, as in HF peft (which draws equal places for linears of equal size); S
is added as an update beside W, never written into it.

Starts at base: yes.
"""

from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from typing_extensions import override

from engine.core.errors import ExchangeError, SettingError
from engine.methods.base import Start
from engine.methods.parts.linear_changes import LinearChange, linear_sizes
from engine.methods.shira.spec import SPEC, ShiraSettings
from engine.models.shape import ModelShape


class Shira(LinearChange[ShiraSettings]):
    """Trained changes of some weights at random places."""

    spec = SPEC

    def __init__(self, settings: ShiraSettings, shape: ModelShape) -> None:
        super().__init__(settings, shape)
        self.values = nn.ParameterDict()
        self.places = nn.Module()
        """Index of every value in its flattened weight (outputs, inputs), rising."""
        for key in self.keys:
            inputs, outputs = self.sizes[key.split("_", 1)[1]]
            count = _need_room(settings.rank, inputs, outputs)
            self.values[key] = nn.Parameter(torch.zeros(count))
            self.places.register_buffer(key, torch.arange(count, dtype=torch.int32))

    @classmethod
    @override
    def build(cls, settings: ShiraSettings, shape: ModelShape, start: Start) -> Self:
        method = cls(settings, shape)
        for key in method.keys:
            inputs, outputs = method.sizes[key.split("_", 1)[1]]
            method.indices(key).copy_(drawn_places(inputs * outputs, len(method.values[key]), start.rng))
        return method

    @classmethod
    @override
    def count(cls, settings: ShiraSettings, shape: ModelShape) -> dict[str, int]:
        """R (inputs + outputs) for every target of every layer."""
        sizes = linear_sizes(settings.targets, shape).values()
        return {"values": shape.l * sum(_need_room(settings.rank, inputs, outputs) for inputs, outputs in sizes)}

    def indices(self, key: str) -> Int[Tensor, " n"]:
        """The places of a linear's values."""
        places: Tensor = getattr(self.places, key)
        return places

    @override
    def change(self, key: str, x: Float[Tensor, "*b i"]) -> Float[Tensor, "*b o"]:
        inputs, outputs = self.sizes[key.split("_", 1)[1]]
        flat = x.new_zeros(inputs * outputs).scatter(0, self.indices(key).long(), self.values[key])
        return nn.functional.linear(x, flat.view(outputs, inputs))

    @override
    def size(self, key: str) -> float:
        return float(self.values[key].detach().norm())

    @override
    def load_method_tensors(self, tensors: dict[str, Tensor]) -> None:
        for key in self.keys:
            name = f"places.{key}"
            inputs, outputs = self.sizes[key.split("_", 1)[1]]
            places = tensors[name]
            rising = places.dtype == torch.int32 and bool((places.diff() > 0).all())
            if not rising or int(places[0]) < 0 or int(places[-1]) >= inputs * outputs:
                problem = f"holds no rising places in a matrix of {outputs} by {inputs}"
                raise ExchangeError(
                    "bad_tensor",
                    f"The tensor {name!r} in the adapter {problem}.",
                    tensor=name,
                    file="adapter",
                    problem=problem,
                )
        self.load_state_dict(tensors)


def drawn_places(size: int, count: int, rng: torch.Generator) -> Int[Tensor, " n"]:
    """So many different places of so many, rising: those that HF peft's `random_mask` draws from the same state."""
    with torch.device("cpu"):
        return torch.randperm(size, generator=rng)[:count].sort().values.int()


def _need_room(rank: int, inputs: int, outputs: int) -> int:
    """How many values a rank means for a linear.

    Raises:
        SettingError: More than it has weights.
    """
    count = rank * (inputs + outputs)
    if count > inputs * outputs:
        raise SettingError(
            "more_than_weights",
            f"rank is {rank}, which means {count} values, but a linear of this model has {inputs * outputs} weights: "
            "choose a smaller one.",
            field="rank",
            value=rank,
            count=count,
            limit=inputs * outputs,
        )
    return count
