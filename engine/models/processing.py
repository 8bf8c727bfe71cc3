"""Pixels from pictures: the image processor of a model, kept from pictures that it would blow up."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Float
from PIL import Image
from torch import Tensor
from transformers import BaseImageProcessor

LONGEST = 8
"""Times its shorter side that the longer side of a picture is kept, where only its middle is looked at."""


def pixels_of(processor: BaseImageProcessor, pictures: Sequence[Image.Image]) -> Float[Tensor, "b c y x"]:
    """What the processor makes of pictures.

    Some processors scale a picture until its shorter side fits, and cut out the middle. A line of one by a hundred
    thousand pixels would grow to billions on the way, so what is far from the middle is cut off before.
    """
    shown = [_middle(picture) for picture in pictures] if _cuts_out_the_middle(processor) else pictures
    out: Tensor = processor(images=list(shown), return_tensors="pt")["pixel_values"]
    return out


def _cuts_out_the_middle(processor: Any) -> bool:  # noqa: ANN401 - transformers has no type for its attributes
    size = getattr(processor, "size", None) or {}
    shorter = size.get("shortest_edge") if isinstance(size, dict) else getattr(size, "shortest_edge", None)
    return bool(shorter and getattr(processor, "do_center_crop", False))


def _middle(picture: Image.Image) -> Image.Image:
    most = LONGEST * min(picture.size)
    width, height = (min(side, most) for side in picture.size)
    if (width, height) == picture.size:
        return picture
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))
