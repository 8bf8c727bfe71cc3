"""Held-out plain text that tells how much of its old ability a tuned model keeps."""

import json

from engine.data.tokenise import Example, encode_masked, encode_plain
from engine.models.base import Base
from engine.models.resolve import ASSETS, SHIPPED


def plain_texts(model: str) -> list[str]:
    """Texts for the base-ability loss: the model's own held-out text if it ships some, else the town's."""
    folder = SHIPPED.get(model, ASSETS / "town")
    lines = (folder / "plain_test.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


def ability_examples(base: Base, count: int | None, max_seq_len: int) -> list[Example]:
    """The texts as the model was taught to read them: going on, or filling gaps.

    None where it was never taught to name a token: it has no mask, its file has no language head, or it reads pictures.
    """
    if not base.shape.family.reads_text:
        return []
    if base.missing and not base.shape.family.causal:
        return []
    encode = encode_plain if base.shape.family.causal else encode_masked
    return encode(base.tokenizer, plain_texts(base.name)[:count], max_seq_len)
