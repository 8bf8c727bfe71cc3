"""What there is to see in a picture of the town, and which pairs of it only pictures of the test show."""

import random
from dataclasses import dataclass

COLOURS = ("red", "blue", "green", "yellow", "white")
"""Of the house's wall."""
PETS = ("cat", "dog", "rabbit", "duck", "parrot", "goldfish")
PLACES = ("left", "right", "roof")
"""Where the pet is: beside the house, or on it."""
SHAPES = ("circle", "square", "triangle", "star")
"""Of the window."""
TREES = (1, 2, 3, 4)

VALUES: dict[str, tuple[str, ...]] = {
    "colour": COLOURS,
    "pet": PETS,
    "place": PLACES,
    "shape": SHAPES,
    "trees": tuple(map(str, TREES)),
}
"""Everything that is asked about, and its possible values in words."""


KEPT_PAIRS = {(COLOURS[2 * number % len(COLOURS)], pet) for number, pet in enumerate(PETS)}
"""Of a house's colour and a pet: each pet has one, and each colour has one or two."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A house, a pet and some trees, and the seed of all that is not asked about."""

    colour: str
    pet: str
    place: str
    shape: str
    trees: str
    seed: int

    @property
    def kept_for_test(self) -> bool:
        """Whether it shows a pet beside a house of a colour that only the test shows together."""
        return (self.colour, self.pet) in KEPT_PAIRS

    def value(self, kind: str) -> str:
        """What is seen of one kind."""
        return str(getattr(self, kind))


def draw_scene(rng: random.Random) -> Scene:
    """Any scene."""
    return Scene(**{kind: rng.choice(pool) for kind, pool in VALUES.items()}, seed=rng.randrange(2**31))


def draw_for(rng: random.Random, *, test: bool) -> Scene:
    """A scene that only the test may show, or one that only the other splits may."""
    while True:
        scene = draw_scene(rng)
        if scene.kept_for_test == test:
            return scene
