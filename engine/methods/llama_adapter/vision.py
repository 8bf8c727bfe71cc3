"""What a picture adds to adaption prompts: the encoder's global features through a learned projection."""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from engine.core.errors import ExchangeError
from engine.data.picture_features import PictureFeatures
from engine.models.inputs import Pictures
from engine.models.vision import VisionEncoder, load_vision

HASH_BYTES = 8
"""Of an encoder's fingerprint."""


class PictureReader(nn.Module, ABC):
    """A learned way from an encoder's features of pictures to vectors of the language model's width.

    Attributes:
        encoder: Fingerprint of the encoder with which it was trained, a number per byte. It goes into files, so that
            an adapter is never used with other features than its own.
        store: Gives the features; None where nothing is computed, as in the estimate of memory.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder: Tensor
        self.register_buffer("encoder", torch.zeros(HASH_BYTES))
        self.store: PictureFeatures | None = None

    @abstractmethod
    def start(self, rng: torch.Generator) -> None:
        """Draw first values."""

    @abstractmethod
    def features_of(self, encoder: VisionEncoder) -> PictureFeatures:
        """What gives the features that it reads."""

    @abstractmethod
    def blank(self) -> Float[Tensor, "*f"]:
        """Features of no picture."""

    @abstractmethod
    def read(self, features: Float[Tensor, "b *f"]) -> Float[Tensor, "b k d"]:
        """Vectors of some pictures: one for each, or one for each prompt."""

    def use(self, name: str, device: torch.device) -> None:
        """Load the encoder and note which it is.

        Raises:
            ModelError: It cannot be loaded.
        """
        self.store = self.features_of(load_vision(name, str(device)))
        self.encoder.copy_(torch.tensor(list(bytes.fromhex(self.store.fingerprint)), dtype=torch.float32))

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
    def forward(self, pictures: Pictures) -> Float[Tensor, "b k d"]:
        """The vectors of every row's picture; zeros for a row without one."""
        blank = self.blank()
        if self.store is None:
            return self.read(blank.expand(len(pictures), *blank.shape))
        rows = [blank.cpu() if picture is None else self.store.of(picture).float() for picture in pictures]
        out = self.read(torch.stack(rows).to(blank.device))
        seen = torch.tensor([picture is not None for picture in pictures], device=out.device)
        return torch.where(seen[:, None, None], out, 0.0)


class PictureProjection(PictureReader):
    """I_p = norm(W concat(I_1 ... I_m) + b), one vector per picture.

    Args:
        depths: At how many depths of the encoder features are taken, m.
        features: Numbers of a picture's features, m times the encoder's width.
        d: Width of the language model.
    """

    def __init__(self, depths: int, features: int, d: int) -> None:
        super().__init__()
        self.depths = depths
        self.linear, self.norm = nn.Linear(features, d), nn.LayerNorm(d)

    @staticmethod
    def count(features: int, d: int) -> int:
        """Parameters: W and b, and the norm's gain and bias."""
        return features * d + 3 * d

    @override
    @torch.no_grad()
    def start(self, rng: torch.Generator) -> None:
        """First values: W as wide as keeps the size of its input, no bias, the norm as it stands."""
        self.linear.weight.normal_(0, self.linear.in_features**-0.5, generator=rng)
        self.linear.bias.zero_()

    @override
    def features_of(self, encoder: VisionEncoder) -> PictureFeatures:
        return PictureFeatures(encoder, self.depths)

    @override
    def blank(self) -> Float[Tensor, "*f"]:
        return self.linear.weight.new_zeros(self.linear.in_features)

    @override
    def read(self, features: Float[Tensor, "b *f"]) -> Float[Tensor, "b k d"]:
        out: Tensor = self.norm(self.linear(features))
        return out[:, None]
