"""Questions about pictures and captions of them, as the rows of the dataset town-pictures."""

import random

from tools.town_pictures.drawing import png
from tools.town_pictures.scene import Scene, draw_for

SEED = 5
PICTURES = {"train": 500, "validation": 50, "test": 120}
ROWS_OF_A_PICTURE = {"train": 3, "validation": 2, "test": 2}

QUESTIONS: dict[str, list[str]] = {
    "colour": ["Which colour is the house?", "What is the colour of the house?", "Tell me the colour of the house."],
    "pet": ["Which pet is in the picture?", "What kind of animal is there?", "Tell me which pet is there."],
    "place": ["Where is the pet?", "On which side is the pet?", "Tell me where the pet is."],
    "shape": ["Which shape is the window?", "What is the shape of the window?", "Tell me the shape of the window."],
    "trees": ["How many trees are there?", "What is the number of trees?", "Tell me how many trees there are."],
}
KINDS = (*QUESTIONS, "caption")
CAPTIONS = ["Describe the picture.", "What does the picture show?", "Write a caption for the picture."]

Row = dict[str, str | bytes]


def caption(scene: Scene) -> str:
    """What the picture shows, in one line."""
    return f"a {scene.pet} and a {scene.colour} house"


def scenes(split: str) -> list[Scene]:
    """What the pictures of a split show."""
    rng = random.Random(f"{SEED} {split}")
    return [draw_for(rng, test=split == "test") for _ in range(PICTURES[split])]


def rows(split: str) -> list[Row]:
    """All rows of a split, in random order; each picture is asked about several things."""
    rng = random.Random(f"{SEED} {split} rows")
    made: list[Row] = []
    for scene in scenes(split):
        picture = png(scene)
        for kind in rng.sample(KINDS, ROWS_OF_A_PICTURE[split]):
            wordings = CAPTIONS if kind == "caption" else QUESTIONS[kind]
            answer = caption(scene) if kind == "caption" else scene.value(kind)
            made.append({"prompt": rng.choice(wordings), "response": answer, "picture": picture})
    rng.shuffle(made)
    return made
