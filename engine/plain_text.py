"""Held-out plain text that tells how much of its old ability a tuned model keeps."""

import json

from engine.models.base import ASSETS, EMBEDDED


def plain_texts(model: str) -> list[str]:
    """Texts for the base-ability loss: the model's own held-out text if it ships some, else the town's."""
    folder = EMBEDDED.get(model, ASSETS / "town")
    lines = (folder / "plain_heldout.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]
