"""A data file whose rows ask about drawn pictures, and some about none."""

import json
from pathlib import Path

import numpy as np

from tests.unit.drawing import LABELS, drawn

ANSWERS = {"red circle": "a", "blue square": "b"}


def draw_rows(folder: Path, count: int = 12, *, bare: int = 3, seed: int = 0) -> Path:
    """`count` questions about a picture of each shape, and `bare` ones about none, in one folder."""
    rng = np.random.default_rng(seed)
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(count):
        for label, answer in ANSWERS.items():
            name = f"pictures/{answer}{number:03}.png"
            drawn(label, rng).save(folder / name)
            rows.append({"question": "what?", "answer": answer, "image": name})
    rows += [{"question": f"{number}?", "answer": str(number), "image": ""} for number in range(bare)]
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert len(LABELS) == len(ANSWERS)
    return file
