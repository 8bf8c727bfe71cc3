"""Draws a scene: 64 pixels square, few plain colours, everything that is not asked about different in each picture."""

import io
import math
import random
from collections.abc import Callable

from PIL import Image, ImageDraw

from tools.town_pictures.scene import Scene

SIDE = 64
COLOURS = {
    "red": (200, 40, 40),
    "blue": (50, 80, 210),
    "green": (40, 150, 60),
    "yellow": (235, 205, 50),
    "white": (242, 242, 242),
}
SKIES = ((150, 200, 240), (190, 215, 235), (245, 205, 170), (120, 150, 200))
GROUNDS = ((150, 180, 90), (190, 170, 120), (120, 160, 110))
ROOFS = ((120, 60, 40), (90, 90, 100), (60, 40, 40))
COATS = {
    "cat": ((120, 120, 125), (70, 70, 75)),
    "dog": ((120, 75, 40), (160, 110, 65)),
    "rabbit": ((250, 240, 235), (225, 205, 195)),
    "duck": ((250, 225, 90), (235, 240, 120)),
    "parrot": ((30, 200, 60), (220, 40, 130)),
    "goldfish": ((60, 60, 90), (90, 90, 120)),
}
"""Colours that a pet may have, or the rim of its tank."""
LEAVES, TRUNK, DARK, BEAK = (30, 110, 50), (110, 75, 40), (25, 25, 30), (240, 130, 30)

HOUSE_WIDTH, WALL_HEIGHT, ROOF_HEIGHT = 24, 18, 10
PET_FRAME, PET_SIDE = 18, 24
"""Pixels of the square around a pet: as it is drawn, and as it is shown."""
PET_AT = 3
"""Where in it the pet begins."""

Canvas = ImageDraw.ImageDraw
Colour = tuple[int, int, int]


def draw(scene: Scene) -> Image.Image:
    """The picture of a scene."""
    return draw_with_place(scene)[0]


def draw_with_place(scene: Scene) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """The picture of a scene, and the box in which the pet is: left, top, right, bottom."""
    rng = random.Random(scene.seed)
    image = Image.new("RGB", (SIDE, SIDE), rng.choice(SKIES))
    canvas = ImageDraw.Draw(image)
    horizon = rng.randint(44, 48)
    canvas.rectangle((0, horizon, SIDE, SIDE), fill=rng.choice(GROUNDS))
    left, bottom = rng.randint(19, 21), horizon + rng.randint(2, 5)
    _house(canvas, rng, scene, left, bottom)
    _trees(canvas, rng, int(scene.trees))
    pet = _pet(scene.pet, rng.choice(COATS[scene.pet]))
    x = {"left": left - 20, "right": left + HOUSE_WIDTH - 3, "roof": left}
    y = bottom - WALL_HEIGHT - ROOF_HEIGHT + 1 if scene.place == "roof" else bottom
    at = x[scene.place] + rng.randint(-1, 1), y - PET_SIDE + 4
    image.paste(pet, at, pet)
    return image, (at[0] + 4, at[1] + 4, at[0] + PET_SIDE - 4, at[1] + PET_SIDE - 4)


def png(scene: Scene) -> bytes:
    """The picture as a small PNG: at most 16 colours, whose numbers are stored instead of them."""
    out = io.BytesIO()
    draw(scene).quantize(16, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _house(canvas: Canvas, rng: random.Random, scene: Scene, left: int, bottom: int) -> None:
    right, top = left + HOUSE_WIDTH, bottom - WALL_HEIGHT
    canvas.rectangle((left, top, right, bottom), fill=COLOURS[scene.colour])
    canvas.polygon(
        [(left - 3, top), (right + 3, top), ((left + right) // 2, top - ROOF_HEIGHT)], fill=rng.choice(ROOFS)
    )
    door = left + rng.choice((2, HOUSE_WIDTH - 8))
    canvas.rectangle((door, bottom - 10, door + 6, bottom), fill=TRUNK)
    _window(canvas, scene.shape, left + (15 if door < left + 5 else 8), bottom - 10)


def _window(canvas: Canvas, shape: str, x: int, y: int) -> None:
    """A dark window around a point."""
    r = 5
    if shape == "circle":
        canvas.ellipse((x - r, y - r, x + r, y + r), fill=DARK)
    elif shape == "square":
        canvas.rectangle((x - r + 1, y - r + 1, x + r - 1, y + r - 1), fill=DARK)
    elif shape == "triangle":
        canvas.polygon([(x - r, y + r - 1), (x + r, y + r - 1), (x, y - r)], fill=DARK)
    else:
        points = [
            (x + reach * math.sin(turn * math.pi / 5), y - reach * math.cos(turn * math.pi / 5))
            for turn, reach in ((turn, r + 1.5 if turn % 2 == 0 else 2.2) for turn in range(10))
        ]
        canvas.polygon(points, fill=DARK)


def _pet(name: str, coat: Colour) -> Image.Image:
    """A pet on nothing."""
    frame = Image.new("RGBA", (PET_FRAME, PET_FRAME))
    PET_SHAPES[name](ImageDraw.Draw(frame), PET_AT, PET_AT, coat)
    return frame.resize((PET_SIDE, PET_SIDE), Image.Resampling.NEAREST)


def _trees(canvas: Canvas, rng: random.Random, count: int) -> None:
    """A row in front of the house, at as many of six places."""
    for slot in rng.sample(range(6), count):
        x, y = 5 + 10 * slot + rng.randint(0, 2), 62 + rng.randint(-1, 1)
        canvas.rectangle((x - 1, y - 4, x, y), fill=TRUNK)
        canvas.ellipse((x - 4, y - 10, x + 3, y - 3), fill=LEAVES)


def _cat(canvas: Canvas, x: int, y: int, fur: Colour) -> None:
    canvas.ellipse((x + 2, y + 5, x + 9, y + 12), fill=fur)
    canvas.ellipse((x + 2, y + 1, x + 9, y + 7), fill=fur)
    canvas.polygon([(x + 2, y + 4), (x + 2, y - 1), (x + 5, y + 2)], fill=fur)
    canvas.polygon([(x + 9, y + 4), (x + 9, y - 1), (x + 6, y + 2)], fill=fur)
    canvas.line((x + 9, y + 11, x + 12, y + 6), fill=fur)


def _dog(canvas: Canvas, x: int, y: int, fur: Colour) -> None:
    canvas.rectangle((x + 1, y + 5, x + 10, y + 9), fill=fur)
    canvas.rectangle((x + 8, y + 1, x + 12, y + 5), fill=fur)
    canvas.rectangle((x + 7, y + 2, x + 8, y + 6), fill=DARK)
    for leg in (1, 4, 7, 10):
        canvas.line((x + leg, y + 9, x + leg, y + 12), fill=fur)
    canvas.line((x + 1, y + 5, x - 1, y + 2), fill=fur)


def _rabbit(canvas: Canvas, x: int, y: int, fur: Colour) -> None:
    canvas.ellipse((x + 1, y + 7, x + 9, y + 12), fill=fur)
    canvas.ellipse((x + 6, y + 5, x + 11, y + 9), fill=fur)
    canvas.rectangle((x + 7, y - 1, x + 8, y + 5), fill=fur)
    canvas.rectangle((x + 10, y - 1, x + 11, y + 5), fill=fur)
    canvas.ellipse((x - 1, y + 8, x + 2, y + 11), fill=COLOURS["white"])


def _duck(canvas: Canvas, x: int, y: int, fur: Colour) -> None:
    canvas.chord((x, y + 3, x + 10, y + 13), 0, 180, fill=fur)
    canvas.ellipse((x + 7, y + 2, x + 11, y + 6), fill=fur)
    canvas.line((x + 9, y + 6, x + 9, y + 9), fill=fur)
    canvas.rectangle((x + 11, y + 4, x + 14, y + 5), fill=BEAK)


def _parrot(canvas: Canvas, x: int, y: int, fur: Colour) -> None:
    canvas.ellipse((x + 3, y, x + 8, y + 9), fill=fur)
    canvas.polygon([(x + 5, y + 7), (x + 1, y + 13), (x + 7, y + 8)], fill=fur)
    canvas.polygon([(x + 8, y + 2), (x + 11, y + 3), (x + 8, y + 5)], fill=BEAK)
    canvas.line((x + 4, y + 4, x + 5, y + 8), fill=COLOURS["white"])


def _goldfish(canvas: Canvas, x: int, y: int, fur: Colour) -> None:
    canvas.rectangle((x, y + 3, x + 12, y + 12), fill=(210, 235, 250), outline=fur)
    canvas.ellipse((x + 4, y + 5, x + 10, y + 10), fill=BEAK)
    canvas.polygon([(x + 5, y + 8), (x + 2, y + 5), (x + 2, y + 10)], fill=BEAK)


PET_SHAPES: dict[str, Callable[[Canvas, int, int, Colour], None]] = {
    "cat": _cat,
    "dog": _dog,
    "rabbit": _rabbit,
    "duck": _duck,
    "parrot": _parrot,
    "goldfish": _goldfish,
}
