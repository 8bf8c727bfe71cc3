"""Draws small pictures with labels."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

LABELS = {"red circle": (220, 40, 40), "blue square": (40, 60, 220)}


def drawn(label: str, rng: np.random.Generator, side: int = 24) -> Image.Image:
    """A red circle or a blue square, somewhere on a pale ground."""
    image = Image.new("RGB", (side, side), tuple(int(value) for value in rng.integers(190, 255, 3)))
    x, y = (int(value) for value in rng.integers(1, 10, 2))
    size = int(rng.integers(8, 13))
    brush = ImageDraw.Draw(image)
    (brush.ellipse if "circle" in label else brush.rectangle)((x, y, x + size, y + size), fill=LABELS[label])
    return image


def draw_shapes(folder: Path, count: int = 20, seed: int = 0) -> Path:
    """A folder of `count` red circles and as many blue squares, one folder per label."""
    rng = np.random.default_rng(seed)
    for label in LABELS:
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            drawn(label, rng).save(folder / label / f"{number:03}.png")
    return folder
