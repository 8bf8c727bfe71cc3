"""Draws signs, one plain shape in one colour on a light ground, so that the encoder knows more than houses."""

import random

from PIL import Image, ImageDraw

from tools.town_pictures.drawing import SIDE, Colour

SIGN_COLOURS: dict[str, Colour] = {
    "red": (230, 30, 30),
    "orange": (250, 150, 20),
    "yellow": (245, 235, 30),
    "green": (30, 200, 40),
    "teal": (20, 130, 130),
    "blue": (30, 40, 230),
    "purple": (140, 40, 160),
    "brown": (150, 50, 40),
    "gray": (128, 128, 128),
    "black": (15, 15, 15),
}
SIGN_SHAPES = ("circle", "rectangle", "triangle")
SMALLEST, LARGEST = 8, 30
"""Pixels of a side."""
JITTER = 25
"""By how much each part of a colour may differ from picture to picture."""


def draw_sign(rng: random.Random) -> tuple[Image.Image, str, str]:
    """A picture, the colour of its shape, and what shape it is."""
    ground = rng.randint(225, 255), rng.randint(225, 255), rng.randint(225, 255)
    image = Image.new("RGB", (SIDE, SIDE), ground)
    colour, shape = rng.choice(list(SIGN_COLOURS)), rng.choice(SIGN_SHAPES)
    red, green, blue = (min(255, max(0, part + rng.randint(-JITTER, JITTER))) for part in SIGN_COLOURS[colour])
    width = rng.randint(SMALLEST, LARGEST)
    height = rng.randint(SMALLEST, LARGEST) if shape == "rectangle" else width
    x, y = rng.randint(0, SIDE - width), rng.randint(0, SIDE - height)
    _shape(ImageDraw.Draw(image), shape, (x, y, x + width - 1, y + height - 1), (red, green, blue))
    return image, colour, shape


def _shape(canvas: ImageDraw.ImageDraw, shape: str, box: tuple[int, int, int, int], fill: Colour) -> None:
    left, top, right, bottom = box
    if shape == "circle":
        canvas.ellipse(box, fill=fill)
    elif shape == "rectangle":
        canvas.rectangle(box, fill=fill)
    else:
        canvas.polygon([(left, bottom), (right, bottom), ((left + right) // 2, top)], fill=fill)
