"""One picture: from a file to eight-bit RGB, whatever it was, and to a small copy for the page. Needs no torch."""

import base64
import io
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""Formats that are read; others, such as PostScript, would start programs."""

MOST_PIXELS = 50_000_000
"""A picture with more is not unpacked: a small file can hold billions, and models read some hundred by some hundred."""

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture upright, by EXIF's orientation; 1 stands for one that is."""

ROTATED = 5
"""From this orientation on width and height are swapped."""

THUMBNAIL = 112
"""Pixels of a small copy's longer side."""

SEVERAL = ("GIF", "PNG", "WEBP", "TIFF")
"""Formats whose files may hold more than one picture: an animation, or pages. A camera's JPEG has others for itself."""

BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    struct.error,
    OverflowError,
    Image.DecompressionBombError,
    ImageCms.PyCMSError,
)
"""What Pillow raises of files that are no pictures, are cut off, or are damaged."""


class NoPictureError(Exception):
    """A file that cannot be read as a picture; its text is "no_picture", "broken" or "huge"."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of a picture that was unpacked and found to be whole.

    Attributes:
        width: In pixels, as it is seen.
        height: Likewise.
        several: Whether its file holds more pictures, as an animation does, of which only the first one is read.
    """

    width: int
    height: int
    several: bool


def opened(path: Path) -> Image.Image:
    """A picture whose size is known and whose pixels are not unpacked yet.

    Raises:
        NoPictureError: It is none, or it is huge.
    """
    try:
        if not path.is_file():  # a pipe would never end
            raise NoPictureError("no_picture")
        image = Image.open(path, formats=FORMATS)
        image.filename = ""  # a file with a name may be mapped into memory, which scrambles turned TIFF files
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NoPictureError("huge") from error
    except BROKEN as error:
        raise NoPictureError("no_picture") from error
    if image.width * image.height > MOST_PIXELS:
        image.close()
        raise NoPictureError("huge")
    return image


def look_at(path: Path) -> Look:
    """Unpack all of a picture to see that it can be read.

    Raises:
        NoPictureError: It is none, is huge, or its end is missing.
    """
    with opened(path) as image:
        several, (width, height) = _several(image), image.size
        image.draft("RGB", (1, 1))  # a JPEG is unpacked at an eighth of its size, which shows as well that it is whole
        _unpack(image)
        _converted(image.crop((0, 0, 1, 1)))  # colours of a kind that cannot be read are none in one pixel either
        rotated = _orientation(image) >= ROTATED
        return Look(height, width, several) if rotated else Look(width, height, several)


def size_of(path: Path) -> tuple[int, int]:
    """Width and height as it is seen.

    Raises:
        NoPictureError: See `look_at`.
    """
    look = look_at(path)
    return look.width, look.height


def read_picture(path: Path) -> Image.Image:
    """A picture as it is seen: turned as its camera says, on white where it is see-through, eight bits per colour.

    Raises:
        NoPictureError: It cannot be read.
    """
    with opened(path) as image:
        _unpack(image)
        turn = TURNS.get(_orientation(image))
        upright = _converted(image)
        return upright if turn is None else upright.transpose(turn)


def _several(image: Image.Image) -> bool:
    """Whether a file holds more than the first picture."""
    try:
        return image.format in SEVERAL and bool(getattr(image, "is_animated", False))
    except BROKEN:
        return False


def _converted(image: Image.Image) -> Image.Image:
    try:
        return as_rgb(image)
    except BROKEN as error:
        raise NoPictureError("no_picture") from error


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation from 1 to 8; 1 where there is none, or it is damaged."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except BROKEN:
        return 1
    return orientation if isinstance(orientation, int) and orientation in TURNS else 1


def _unpack(image: Image.Image) -> None:
    try:
        image.load()
    except BROKEN as error:
        raise NoPictureError("broken") from error


def as_rgb(image: Image.Image) -> Image.Image:
    """The same picture in RGB: sixteen bits are scaled to eight, and what is see-through stands on white."""
    if image.mode.startswith(("I", "F")):
        return _scaled(image).convert("RGB")
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        assert converted is not None, "only a conversion in place returns nothing"
        return converted
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def _scaled(image: Image.Image) -> Image.Image:
    """Grey of many bits in eight: of sixteen bits the upper eight, floating point from its least to its most."""
    grey = np.asarray(image).astype(np.float64)
    clear = image.info.get("transparency")
    if image.mode == "F":
        finite = np.nan_to_num(grey)
        low, high = float(finite.min()), float(finite.max())
        out = (finite - low) * (255 / (high - low)) if high > low else np.zeros_like(finite)
    else:
        deep = image.mode != "I" or image.format == "PPM" or grey.max() > 255
        out = grey / 257 if deep else grey
    out = out.clip(0, 255).round()
    if isinstance(clear, int):
        out[grey == clear] = 255
    return Image.fromarray(out.astype(np.uint8))


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
