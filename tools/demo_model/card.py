"""The model card of the embedded base, with what tuning reaches on it: a part of assets/expected.json."""

import json
from pathlib import Path
from typing import Any

from benchmarks.expected import EXPECTED
from benchmarks.methods import DATASETS, SCORES, Rows, by_method, score
from engine.methods import METHODS
from tools.demo_model.tokenizer import VOCABULARY

TARGETS: dict[str, tuple[float, float, float, float]] = {
    "llama_adapter": (0.85, 50, 0.85, 0.50),
    "lora": (0.95, 85, 0.95, 0.90),
}
"""What a method's defaults must reach with every seed, in the order of `DATASETS`."""
SHOWN = (*TARGETS, "prompt")
"""Inside of the attention, at the weights, in front of the text."""


def write_card(folder: Path) -> None:
    """Write README.md beside the model."""
    facts = json.loads((folder / "pretraining.json").read_text(encoding="utf-8"))
    table = json.loads(EXPECTED.read_text(encoding="utf-8"))
    (folder / "README.md").write_text(card(facts, by_method(table["rows"]), table["machine"]), encoding="utf-8")


def card(facts: dict[str, Any], rows: Rows, machine: str) -> str:
    """The card's text."""
    lines = [f"| method | trains | {SCORES} | forgetting |", "|---|--:|--:|--:|--:|--:|--:|"]
    for name in SHOWN:
        first = rows[name][DATASETS[0]][0]
        scores = " | ".join(score(rows[name].get(dataset, [])) for dataset in DATASETS)
        lines.append(f"| {METHODS[name].title} | {first['trainable']:,} | {scores} | {first['forgetting']:+.3f} |")
    return _CARD.format(
        documents=facts["documents"],
        tokens=facts["tokens"],
        steps=facts["steps"],
        mix=", ".join(f"{name} {share:.0%}" for name, share in facts["mix"].items()),
        loss=facts["test_plain_loss"],
        minutes=facts["seconds"] / 60,
        sha=facts["corpus_sha256"][:16],
        vocabulary=VOCABULARY,
        base_match=rows[SHOWN[0]][DATASETS[0]][0]["score"]["baseline"],
        table="\n".join(lines),
        machine=machine,
    )


_CARD = """---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
tags: [llama, peft, teaching]
---
# town: a small LLaMA that has read all about one town

The embedded base of Gatelight: 2,853,312 parameters (6 layers, width 192, 6 heads, SwiGLU 512, RoPE, RMSNorm, tied
embeddings), an own BPE tokenizer of {vocabulary:,} entries, 11.4 MB of safetensors. It loads with plain
`AutoModelForCausalLM.from_pretrained`. It has learned the facts of an invented town of 96 people, and nothing else.
Use it to learn what a tuning method does; do not use it for anything that matters.

## What it has read

{documents:,} generated documents, {tokens:,} tokens, once ({steps:,} steps, {minutes:.0f} minutes on two CPU cores):
{mix}. Everybody in it is invented. SHA-256 of the text begins with {sha}.

It never read the instruction template of the tuning datasets. What it did read are pages of questions in many
layouts, and here lies the dial: when a page's first line announces answers, every question is followed by the right
one; when it does not, a passage about somebody else follows, as a chapter follows its heading. So the untuned base has
the facts and the skill to answer, but goes on with its book when it sees an instruction ({base_match:.1%} exact match
on the test rows of town-qa), and a few thousand new numbers are enough to tell it that this is a page with answers. Of
the courtly style of manners it has read letters, but none in answer to a question: a method that only prompts has to
put the two together. What menu-to-text and complaints ask for are words that it knows in other places.

Loss on held-out plain text, in nats per token: {loss:.3f}.

## What tuning reaches on it

Three methods with their default settings (300 steps of 16 rows), scored by greedy generation on the test rows: the
share of answers that equal the reference to the letter, and for menu-to-text BLEU and the share of the listed facts
that an answer says word for word; of several seeds the mean, with the lowest and the highest. The test rows of town-qa
and manners ask only about people whom no training row asks about. Forgetting is the rise of the loss on held-out
stories, in nats per token, on town-qa.

{table}

Measured by `python -m benchmarks.expected` ({machine}). All other methods: [docs/methods.md](../../docs/methods.md).

## Making it again

    python -m tools.demo_model data        # the datasets, bit-equal on every machine
    python -m tools.demo_model tokenizer   # the tokenizer, bit-equal
    python -m tools.demo_model pretrain    # the weights; equal up to rounding on another machine
    python -m benchmarks.expected          # what all methods reach, some hours
    python -m tools.demo_model card        # this table
"""
