"""What a picture adds to adaption prompts: the encoder's global features through a learned projection."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from engine.core.errors import ExchangeError
from engine.data.picture_features import PictureFeatures
from engine.models.inputs import Pictures
from engine.models.vision import load_vision

HASH_BYTES = 8
"""Of an encoder's fingerprint."""


class PictureProjection(nn.Module):
    """I_p = norm(W concat(I_1 ... I_m) + b), a vector of the language model's width per picture.

    Args:
        features: Numbers of a picture's features, m times the encoder's width.
        d: Width of the language model.

    Attributes:
        encoder: Fingerprint of the encoder with which it was trained, a number per byte. It goes into files, so that
            an adapter is never used with other features than its own.
        store: Gives the features; None where nothing is computed, as in the estimate of memory.
    """

    def __init__(self, features: int, d: int) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(features, d), nn.LayerNorm(d)
        self.encoder: Tensor
        self.register_buffer("encoder", torch.zeros(HASH_BYTES))
        self.store: PictureFeatures | None = None

    @staticmethod
    def count(features: int, d: int) -> int:
        """Parameters: W and b, and the norm's gain and bias."""
        return features * d + 3 * d

    @torch.no_grad()
    def start(self, rng: torch.Generator) -> None:
        """First values: W as wide as keeps the size of its input, no bias, the norm as it stands."""
        self.linear.weight.normal_(0, self.linear.in_features**-0.5, generator=rng)
        self.linear.bias.zero_()

    def use(self, name: str, depths: int, device: torch.device) -> None:
        """Load the encoder and note which it is.

        Raises:
            ModelError: It cannot be loaded.
        """
        encoder = load_vision(name, str(device))
        self.store = PictureFeatures(encoder, depths)
        self.encoder.copy_(torch.tensor(list(bytes.fromhex(encoder.fingerprint)), dtype=torch.float32))

    def check(self, trained: Tensor, name: str) -> None:
        """See that an adapter was trained with this encoder.

        Raises:
            ExchangeError: It was not.
        """
        if not torch.equal(trained.float().cpu(), self.encoder.cpu()):
            raise ExchangeError(
                "other_encoder",
                f"This adapter was trained with another vision encoder than {name!r} now holds: put the weights back "
                "that it was trained with.",
                name=name,
            )

    @override
    def forward(self, pictures: Pictures) -> Float[Tensor, "b d"]:
        """I_p of every row; zeros for a row without a picture."""
        weight = self.linear.weight
        if self.store is None:
            return self._project(weight.new_zeros(len(pictures), weight.shape[1]))
        blank = torch.zeros(weight.shape[1])
        features = torch.stack([blank if picture is None else self.store.of(picture) for picture in pictures])
        seen = torch.tensor([picture is not None for picture in pictures], device=weight.device)[:, None]
        return torch.where(seen, self._project(features.to(weight.device)), 0.0)

    def _project(self, features: Float[Tensor, "b f"]) -> Float[Tensor, "b d"]:
        out: Tensor = self.norm(self.linear(features))
        return out
