"""Held-out plain text on which a tuned model's remaining base ability is measured."""

import json

from engine.data.batching import collator_of
from engine.data.tokenise import Example, encode_masked, encode_plain
from engine.evaluation.loss import mean_loss
from engine.methods.attach import attached_view
from engine.methods.base import Method
from engine.models.base import Base
from engine.models.resolve import ASSETS, SHIPPED


def plain_texts(model: str) -> list[str]:
    """Texts for the base-ability loss: those shipped with the model, else those of the demo model."""
    folder = SHIPPED.get(model, ASSETS / "town")
    lines = (folder / "plain_test.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


def ability_examples(base: Base, count: int | None, max_seq_len: int) -> list[Example]:
    """The texts encoded for the model's pre-training objective: causal or masked language modelling.

    Empty where the model has no language head: its file lacks one, or it reads pictures.
    """
    if not base.shape.family.reads_text:
        return []
    if base.missing and not base.shape.family.causal:
        return []
    max_seq_len = min(max_seq_len, base.view().max_text_tokens)
    encode = encode_plain if base.shape.family.causal else encode_masked
    return encode(base.tokenizer, plain_texts(base.name)[:count], max_seq_len)


def ability_loss(base: Base, method: Method | None) -> float | None:
    """Nats per token of the texts, of the base or of a tuned model; None where it cannot be measured."""
    examples = ability_examples(base, None, 512)
    return round(mean_loss(attached_view(base, method), examples, collator_of(base)), 4) if examples else None
