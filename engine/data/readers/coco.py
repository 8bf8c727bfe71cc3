"""COCO captions in Karpathy's split (dataset_coco.json): a row per caption beside its picture, in the split named."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

ASKED = "Describe the picture in one sentence."
"""What every row asks, in the column "prompt"."""

SPLITS = {"train": "train", "restval": "train", "val": "validation", "test": "test"}
"""What its splits are here: "restval", pictures of COCO's validation that nothing is scored on, train too."""


def is_captions(images: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether these are pictures with their captions."""
    if not isinstance(images, list) or not images or not isinstance(images[0], dict):
        return False
    return isinstance(images[0].get("sentences"), list) and isinstance(images[0].get("filename"), str)


def caption_rows(images: list[Any], folder: Path) -> Iterator[dict[str, Any]]:
    """A row per caption of each picture; what has another form is left out.

    Args:
        images: The list "images" of the file.
        folder: Where the file lies; pictures lie below it, in the folder that each names or without.
    """
    for image in images:
        if isinstance(image, dict) and isinstance(image.get("filename"), str):
            picture = _picture(folder, image)
            for sentence in image.get("sentences") or ():
                if isinstance(sentence, dict) and isinstance(sentence.get("raw"), str):
                    yield {
                        "prompt": ASKED,
                        "response": " ".join(sentence["raw"].split()),
                        "image": picture,
                        "split": SPLITS.get(str(image.get("split")), image.get("split")),
                    }


def _picture(folder: Path, image: dict[str, Any]) -> str:
    """The path of a picture from the folder on."""
    places = [Path(str(image.get("filepath") or "")) / image["filename"], Path(image["filename"])]
    return str(next((place for place in places if (folder / place).is_file()), places[0]))
