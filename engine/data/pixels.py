"""One picture: from a file to eight-bit RGB, whatever it was, and to a small copy for the page. Needs no torch."""

import base64
import io
import struct
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""Formats that are read; others, such as PostScript, would start programs."""

MOST_PIXELS = 50_000_000
"""A picture with more is not unpacked: a small file can hold billions, and models read some hundred by some hundred."""

ROTATED, ORIENTATIONS = 5, 8
"""EXIF's orientations go from 1 to 8; from 5 on they swap width and height."""

THUMBNAIL = 112
"""Pixels of a small copy's longer side."""

BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    struct.error,
    Image.DecompressionBombError,
)
"""What Pillow raises of files that are no pictures, are cut off, or are damaged."""


class NoPictureError(Exception):
    """A file that cannot be read as a picture; its text is "no_picture", "broken" or "huge"."""


def opened(path: Path) -> Image.Image:
    """A picture whose size is known and whose pixels are not unpacked yet.

    Raises:
        NoPictureError: It is none, or it is huge.
    """
    try:
        if not path.is_file():  # a pipe would never end
            raise NoPictureError("no_picture")
        image: Image.Image = Image.open(path, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NoPictureError("huge") from error
    except BROKEN as error:
        raise NoPictureError("no_picture") from error
    if image.width * image.height > MOST_PIXELS:
        image.close()
        raise NoPictureError("huge")
    return image


def size_of(path: Path) -> tuple[int, int]:
    """Width and height as it is seen, once all of it has been unpacked.

    Raises:
        NoPictureError: It is none, is huge, or its end is missing.
    """
    with opened(path) as image:
        width, height = image.size
        image.draft("RGB", (1, 1))  # a JPEG is unpacked at an eighth of its size, which shows as well that it is whole
        _unpack(image)
        return (height, width) if _orientation(image) >= ROTATED else (width, height)


def read_picture(path: Path) -> Image.Image:
    """A picture as it is seen: turned as its camera says, on white where it is see-through, eight bits per colour.

    Raises:
        NoPictureError: It cannot be read.
    """
    with opened(path) as image:
        _unpack(image)
        return as_rgb(ImageOps.exif_transpose(image) if _orientation(image) > 1 else image)


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation from 1 to 8; 1 where there is none, or it is damaged."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except BROKEN:
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= ORIENTATIONS else 1


def _unpack(image: Image.Image) -> None:
    try:
        image.load()
    except BROKEN as error:
        raise NoPictureError("broken") from error


def as_rgb(image: Image.Image) -> Image.Image:
    """The same picture in RGB: sixteen bits are scaled to eight, and what is see-through stands on white."""
    if image.mode.startswith(("I", "F")):
        return _scaled(image).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def _scaled(image: Image.Image) -> Image.Image:
    """Grey of many bits in eight: of sixteen bits the upper eight, floating point from its least to its most."""
    grey = np.asarray(image).astype(np.float64)
    if image.mode == "F":
        finite = np.nan_to_num(grey)
        low, high = float(finite.min()), float(finite.max())
        grey = (finite - low) * (255 / (high - low)) if high > low else np.zeros_like(finite)
    elif image.mode != "I" or grey.max() > 255:
        grey = grey / 257
    return Image.fromarray(grey.clip(0, 255).round().astype(np.uint8))


def thumbnail(path: Path, side: int = THUMBNAIL) -> str:
    """A small copy as a data URL, for the page; empty where the file cannot be read any more."""
    try:
        image = read_picture(path)
    except NoPictureError:
        return ""
    image.thumbnail((side, side))
    if max(image.size) < side // 2:  # tiny pictures are shown larger, pixel by pixel
        times = side // max(image.size)
        image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
