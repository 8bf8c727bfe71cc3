"""Networks that compute the virtual tokens of P-tuning from vectors of their own while these train."""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override


class PromptEncoder(nn.Module, ABC):
    """P trainable vectors, the seeds, and the network that turns them into virtual tokens."""

    def __init__(self, p: int, d: int, width: int | None, dropout: float) -> None:
        super().__init__()
        self.seeds = nn.Parameter(torch.zeros(p, d))
        self.build(d, width, dropout)

    @abstractmethod
    def build(self, d: int, width: int | None, dropout: float) -> None:
        """Make the network, without first values."""

    @staticmethod
    @abstractmethod
    def usual_width(d: int) -> int:
        """The width for a model of width d when none is given."""

    @staticmethod
    @abstractmethod
    def count(d: int, width: int | None) -> int:
        """Weights and biases, from the closed form; the seeds are not counted."""

    @abstractmethod
    def forward(self) -> Float[Tensor, "p d"]:
        """The virtual tokens."""

    @torch.no_grad()
    def initialise(self, rng: torch.Generator) -> None:
        """First values as PyTorch draws those of an embedding, an LSTM and of linears, with the given generator."""
        self.seeds.normal_(generator=rng)
        for part in self.modules():
            if isinstance(part, (nn.LSTM, nn.Linear)):
                bound = (part.hidden_size if isinstance(part, nn.LSTM) else part.in_features) ** -0.5
                for parameter in part.parameters():
                    parameter.uniform_(-bound, bound, generator=rng)


class LstmEncoder(PromptEncoder):
    """Two bidirectional LSTM layers, then Linear -> ReLU -> Linear."""

    @override
    def build(self, d: int, width: int | None, dropout: float) -> None:
        width = width or self.usual_width(d)
        # Made on the meta device, so that its constructor draws no random numbers.
        lstm = nn.LSTM(d, width, num_layers=2, dropout=dropout, bidirectional=True, device="meta")
        self.lstm = lstm.to_empty(device=torch.get_default_device())
        self.mlp = nn.Sequential(_linear(2 * width, 2 * width), nn.ReLU(), _linear(2 * width, d))

    @staticmethod
    @override
    def usual_width(d: int) -> int:
        """Half of it, so that both directions together have the model's."""
        return max(1, d // 2)

    @staticmethod
    @override
    def count(d: int, width: int | None) -> int:
        """Four gates with two biases in both directions of both layers; 2w (2w + 1) + (2w + 1) d for the linears."""
        w = width or LstmEncoder.usual_width(d)
        lstm = sum(2 * 4 * w * (inputs + w + 2) for inputs in (d, 2 * w))
        return lstm + (2 * w + 1) * (2 * w + d)

    @override
    def forward(self) -> Float[Tensor, "p d"]:
        states, _ = self.lstm(self.seeds)  # (p, 2 w)
        out: Tensor = self.mlp(states)
        return out


class MlpEncoder(PromptEncoder):
    """Linear -> ReLU -> Linear -> ReLU -> Linear: every token for itself."""

    @override
    def build(self, d: int, width: int | None, dropout: float) -> None:
        width = width or self.usual_width(d)
        self.mlp = nn.Sequential(_linear(d, width), nn.ReLU(), _linear(width, width), nn.ReLU(), _linear(width, d))

    @staticmethod
    @override
    def usual_width(d: int) -> int:
        """The same."""
        return d

    @staticmethod
    @override
    def count(d: int, width: int | None) -> int:
        """(d + 1) w + (w + 1) w + (w + 1) d."""
        w = width or d
        return (d + 1) * w + (w + 1) * (w + d)

    @override
    def forward(self) -> Float[Tensor, "p d"]:
        out: Tensor = self.mlp(self.seeds)
        return out


def _linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear whose constructor draws no random numbers."""
    linear: nn.Linear = nn.utils.skip_init(nn.Linear, inputs, outputs)
    return linear
