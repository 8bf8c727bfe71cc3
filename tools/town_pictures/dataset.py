"""Writes the dataset town-pictures: a Parquet file per split that holds its pictures, the description and the card."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tools.demo_model.tasks import INSTRUCTION
from tools.town_pictures.questions import KINDS, PICTURES, Row, rows
from tools.town_pictures.scene import COLOURS, KEPT_PAIRS, PETS, SHAPES, TREES

NAME, ENCODER = "town-pictures", "town-vit"
TITLE = {"en": "Town pictures", "zh": "小镇图片"}
SUMMARY = {
    "en": "Questions about drawn pictures of the town; test pictures show pairs of things that no training picture "
    "shows.",
    "zh": "关于小镇图画的问题；测试图片里的组合在训练图片中从未出现。",
}
SUITED = {"llama_adapter": {"vision": ENCODER, "bias": True, "scale": True, "norms": True}}
"""Settings that the rows need: eyes, and V2's options to teach the base words that it has never read."""
STEPS = 600
"""Updates that are enough, where the usual number is not."""


def write_dataset(folder: Path) -> None:
    """Write all of it; the rows are the same on every machine."""
    folder.mkdir(parents=True, exist_ok=True)
    splits = {split: rows(split) for split in PICTURES}
    for split, of_split in splits.items():
        pq.write_table(pa.Table.from_pylist(of_split), folder / f"{split}.parquet", compression="zstd")
    facts = {
        "name": NAME,
        "title": TITLE,
        "summary": SUMMARY,
        "template": INSTRUCTION,
        "metric": "exact_match",
        "max_new_tokens": 24,
        "chips": ["Which pet is in the picture?", "Which colour is the house?", "Describe the picture."],
        "splits": {split: len(of_split) for split, of_split in splits.items()},
        "picture": "picture",
        "suited": SUITED,
        "steps": STEPS,
    }
    (folder / "dataset.json").write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_card(splits), encoding="utf-8")


def _card(splits: dict[str, list[Row]]) -> str:
    sizes = ", ".join(f"{split} {len(of_split)}" for split, of_split in splits.items())
    pictures = ", ".join(f"{split} {count}" for split, count in PICTURES.items())
    kept = ", ".join(f"{pet} and {colour}" for colour, pet in sorted(KEPT_PAIRS, key=lambda pair: PETS.index(pair[1])))
    example = next(row for row in splits["train"] if " and " in str(row["response"]))
    return f"""---
license: apache-2.0
language: en
---
# {NAME}

{SUMMARY["en"]}

Each picture, 64 pixels square, shows a house ({", ".join(COLOURS)}) with a window
({", ".join(SHAPES)}), a pet ({", ".join(PETS)})
on its left, on its right or on its roof, and {TREES[0]} to {TREES[-1]} trees. All else differs from picture to
picture: sky, ground, roof, door, the coat of the pet, and where exactly things stand. Rows ask for one of these
({", ".join(KINDS[:-1])}) or for a caption, each in three wordings.

Every test picture shows a pet with a house of a colour that no picture of train or validation shows it with:
{kept}. What was learned about red
houses and about cats must hold for a cat with a red house.

- Rows: {sizes}; pictures: {pictures}. The
  Parquet files hold the pictures themselves.
- Metric: exact_match on the first line of the greedy answer, with the picture and, beside it, without: what can be
  guessed from the question alone is worth nothing here.
- Template: `{INSTRUCTION!r}`
- LLaMA-Adapter sees the pictures through the vision encoder `{ENCODER}` and trains with V2's options unless told
  otherwise: the base has never read the words of the answers, and prompts alone do not teach it new ones.
- Made by `python -m tools.town_pictures data`; the same rows on every machine.

Example: `{example["prompt"]}` → `{example["response"]}`
"""
