"""Global features of pictures, computed once per picture: kept in memory, and on the disk by what the file holds."""

import contextlib
import hashlib
from collections import OrderedDict
from pathlib import Path
from typing import Self

import torch
from jaxtyping import Float
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from typing_extensions import override

from engine.core.errors import DataError
from engine.core.paths import cache_root
from engine.core.tensors import write_tensors
from engine.data.pixels import NoPictureError, read_picture
from engine.models.vision import VisionEncoder

VERSION = 2
"""Raised when the same file gives other features, because pictures are unpacked or scaled in another way."""

MOST_HALF = 65504.0
"""The largest number in fp16."""

MOST_BYTES = 256 * 2**20
"""Of features in memory; those that were not asked for longest are read from the disk again."""


class PictureFeatures:
    """Gives the features of picture files.

    Args:
        encoder: The frozen encoder.
        depths: How many of its layers they are taken from.
    """

    def __init__(self, encoder: VisionEncoder, depths: int) -> None:
        self.encoder, self.depths = encoder, depths
        self._folder = cache_root() / "pictures" / f"{self.fingerprint}-{self._name}-v{VERSION}"
        self._known: OrderedDict[tuple[str, int, int], Tensor] = OrderedDict()
        self._bytes = 0

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Copies of a method share what is known of pictures, and the encoder."""
        return self

    @property
    def fingerprint(self) -> str:
        """Short hash of the weights that the features depend on."""
        return self.encoder.fingerprint

    @property
    def _name(self) -> str:
        return str(self.depths)

    def of(self, picture: Path) -> Float[Tensor, "*f"]:
        """The features of all depths, one after the other, on the CPU.

        Raises:
            DataError: The file cannot be read as a picture any more.
        """
        try:
            stat = picture.stat()
            key = (str(picture), stat.st_size, stat.st_mtime_ns)
            if key not in self._known:
                self._known[key] = self._read(picture)
                self._bytes += self._known[key].nbytes
        except (OSError, NoPictureError) as error:
            raise gone(picture) from error
        self._known.move_to_end(key)
        while self._bytes > MOST_BYTES and len(self._known) > 1:
            self._bytes -= self._known.popitem(last=False)[1].nbytes
        return self._known[key]

    def _read(self, picture: Path) -> Float[Tensor, "*f"]:
        """From the disk; else from the encoder. A full disk keeps nobody from going on."""
        digest = hashlib.blake2b(picture.read_bytes(), digest_size=20).hexdigest()
        file = self._folder / digest[:2] / f"{digest}.safetensors"
        features = self._kept(file)
        if features is None:
            features = self._made(read_picture(picture))
            with contextlib.suppress(OSError, SafetensorError):
                write_tensors(file, {"features": features})
        return self._handed(features)

    def _made(self, picture: Image.Image) -> Float[Tensor, "n c"]:
        return self.encoder.features(picture, self.depths)

    def _handed(self, features: Float[Tensor, "n c"]) -> Float[Tensor, "*f"]:
        return features.flatten()

    def _fits(self, features: Tensor) -> bool:
        return features.shape == (self.depths, self.encoder.shape.width) and features.dtype == torch.float32

    def _kept(self, file: Path) -> Float[Tensor, "n c"] | None:
        """What a file of the cache holds; None where there is none, or it is damaged."""
        try:
            features = load_file(file)["features"] if file.is_file() else None
        except (OSError, SafetensorError, KeyError, ValueError):
            return None
        if features is None or not self._fits(features):
            return None
        return features if bool(features.isfinite().all()) else None


class PictureTokens(PictureFeatures):
    """Gives all tokens of picture files after the encoder's last layer, (n, w), in fp16: there are many of them."""

    def __init__(self, encoder: VisionEncoder) -> None:
        super().__init__(encoder, 1)

    @property
    @override
    def fingerprint(self) -> str:
        return self.encoder.token_fingerprint

    @property
    @override
    def _name(self) -> str:
        return "tokens"

    @override
    def _made(self, picture: Image.Image) -> Float[Tensor, "n c"]:
        return self.encoder.tokens(picture).clamp(-MOST_HALF, MOST_HALF).half()

    @override
    def _handed(self, features: Float[Tensor, "n c"]) -> Float[Tensor, "n c"]:
        return features

    @override
    def _fits(self, features: Tensor) -> bool:
        width = self.encoder.shape.token_width
        return features.dtype == torch.float16 and features.ndim == 2 and features.shape[1] == width


def gone(picture: Path) -> DataError:
    """The error of a picture that was there when the data was read, and is not any more."""
    return DataError(
        "picture_gone",
        f"The picture {picture.name} cannot be read any more: put it back, or start a new run without it.",
        name=picture.name,
    )
