"""COCO's captions: Karpathy's file as rows beside pictures, and each picture scored against all of its own captions."""

import json

from PIL import Image

from engine.data.dataset import load_dataset
from engine.data.settings import DataSettings
from engine.evaluation.text import Prediction, compared

SPLITS = ("train", "restval", "val", "test")


def write_coco(folder):
    """Karpathy's file of eight small pictures, two captions each; of one picture the folder is not said."""
    images = []
    for at in range(8):
        place = folder / "val2014" if at else folder
        place.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), (at, 0, 0)).save(place / f"{at}.png")
        captions = [{"raw": f" A cat {at}\n sits."}, {"raw": f"There is cat {at}."}, {"tokens": []}]
        image = {"filepath": "val2014", "filename": f"{at}.png", "sentences": captions, "split": SPLITS[at % 4]}
        images.append(image)
    file = folder / "dataset_coco.json"
    file.write_text(json.dumps({"images": [*images, {"filename": 3}, 7], "dataset": "coco"}), encoding="utf-8")
    return file


def test_captions_are_rows_beside_their_pictures(tmp_path):
    """Every caption is a row; "restval" trains; pictures are found in the folder that is said, or beside the file."""
    dataset = load_dataset(str(write_coco(tmp_path)), DataSettings(picture="image"))
    rows = {split: list(dataset.rows(split)) for split in ("train", "validation", "test")}
    assert {split: len(some) for split, some in rows.items()} == {"train": 8, "validation": 4, "test": 4}
    assert {row.prompt for some in rows.values() for row in some} == {"Describe the picture in one sentence."}
    assert rows["train"][0].response == "A cat 0 sits."
    for row in (row for some in rows.values() for row in some):
        assert row.picture.stem in row.response


def test_each_picture_has_its_own_references():
    """The same question about two pictures is two questions: an answer is compared with the captions of its picture."""
    cat, dog = "a small cat sits on the mat", "the big dog runs over a hill"
    told = [
        Prediction(prompt="q", reference=reference, base="", tuned=tuned, right=None, loss=0.0, picture=picture)
        for picture, tuned, references in (("1", cat, (cat, "other words here now")), ("2", dog, ("no such", dog)))
        for reference in references
    ]
    scores = compared(told, [one.tuned for one in told])
    assert scores.questions == 2
    assert scores.bleu == 100
    swapped = compared(told, [dog, dog, cat, cat])
    assert swapped.bleu < 5
