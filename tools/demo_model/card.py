"""The model card of the embedded base, with what tuning reaches on it, measured by the code below."""

import json
import platform
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from engine.config.run import RunConfig
from engine.data.dataset import load_dataset
from engine.data.shipped import shipped
from engine.evaluation.text import TextScores, text_scores
from engine.methods import METHODS
from engine.models.loading import load_base
from engine.training.launch import start_run

SEEDS = 3
TARGETS = {"llama_adapter": 0.85, "lora": 0.95, "prompt": 0.60}
"""Exact match on the test rows of town-qa that a method's defaults must reach."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One run with default settings, scored."""

    dataset: str
    method: str
    seed: int
    seconds: float
    trainable: int
    scores: TextScores


def trials() -> Iterator[Trial]:
    """Methods with a target on every dataset with seed 0, and on the default dataset with further seeds."""
    default, *others = [name for name in shipped() if not load_dataset(name).illustrated]
    for name in TARGETS:
        for seed in range(SEEDS):
            yield trial(default, name, seed)
    for dataset in others:
        for name in TARGETS:
            yield trial(dataset, name, 0)


def trial(dataset: str, method: str, seed: int) -> Trial:
    """Train with defaults, then score on the test rows. Seconds count everything from loading to the last step."""
    config = RunConfig(dataset=dataset, method=method, training={"seed": seed})
    base = load_base("town")
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        trainer = start_run(Path(folder) / "run", config, load_base)
        for _ in trainer.run():
            pass
        seconds = time.perf_counter() - began
    trainable = sum(parameter.numel() for parameter in trainer.method.parameters())
    return Trial(
        dataset=dataset,
        method=method,
        seed=seed,
        seconds=round(seconds, 1),
        trainable=trainable,
        scores=text_scores(base, trainer.method, load_dataset(dataset)),
    )


def write_card(folder: Path) -> None:
    """Measure, and write README.md and trials.json beside the model."""
    measured = []
    for one in trials():
        print(json.dumps(asdict(one)), flush=True)
        measured.append(one)
    facts = json.loads((folder / "pretraining.json").read_text(encoding="utf-8"))
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__.split('+')[0]}"
    rows = [asdict(one) for one in measured]
    (folder / "trials.json").write_text(json.dumps({"machine": machine, "trials": rows}, indent=1) + "\n", "utf-8")
    (folder / "README.md").write_text(card(facts, measured, machine), encoding="utf-8")


def card(facts: dict[str, Any], measured: list[Trial], machine: str) -> str:
    """The card's text."""
    base = measured[0].scores
    mix = ", ".join(f"{name} {share:.0%}" for name, share in facts["mix"].items())
    lines = [
        "| dataset | method | trains | seed | exact match | untuned | base ability | untuned | seconds |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for one in measured:
        s = one.scores
        lines.append(
            f"| {one.dataset} | {METHODS[one.method].title} | {one.trainable:,} | {one.seed} "
            f"| {s.exact_match:.1%} | {s.base_exact_match:.1%} "
            f"| {s.base_ability_loss:.3f} | {s.base_ability_loss_before:.3f} "
            f"| {one.seconds:.0f} |"
        )
    return _CARD.format(
        documents=facts["documents"],
        tokens=facts["tokens"],
        steps=facts["steps"],
        mix=mix,
        loss=facts["test_plain_loss"],
        minutes=facts["seconds"] / 60,
        sha=facts["corpus_sha256"][:16],
        base_match=base.base_exact_match,
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
embeddings), an own BPE tokenizer of 2,048 entries, 11.4 MB of safetensors. It loads with plain
`AutoModelForCausalLM.from_pretrained`. It has learned the facts of an invented town of 96 people, and nothing else.
Use it to learn what a tuning method does; do not use it for anything that matters.

## What it has read

{documents:,} generated documents, {tokens:,} tokens, once ({steps:,} steps, {minutes:.0f} minutes on two CPU cores):
{mix}. Everybody in it is invented. SHA-256 of the text begins with {sha}.

It never read the instruction template of the tuning datasets. What it did read are pages of questions in many
layouts, and here lies the dial: when a page's first line announces answers, every question is followed by the right
one; when it does not, only further questions follow. So the untuned base has the facts and the skill to answer, but
goes on asking when it sees an instruction ({base_match:.1%} exact match on the test rows of town-qa), and a few
thousand new numbers are enough to tell it that this is a page with answers.

Loss on held-out plain text, in nats per token: {loss:.3f}.

## What tuning reaches on it

Three methods with their default settings (300 steps of 16 rows), scored by greedy generation on the test rows: the
first line of the answer must equal the reference. The test rows of town-qa ask only about people whom no training row
asks about. "Base ability" is what is left of the base's own skill: loss in nats per token on held-out stories, after
and before tuning.

{table}

Measured by `python -m tools.demo_model card` ({machine}). All other methods: [docs/methods.md](../../docs/methods.md).

## Making it again

    python -m tools.demo_model data        # the datasets, bit-equal on every machine
    python -m tools.demo_model tokenizer   # the tokenizer, bit-equal
    python -m tools.demo_model pretrain    # the weights; equal up to rounding on another machine
    python -m tools.demo_model card        # this table
"""
