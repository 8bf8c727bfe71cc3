"""Table to text on the E2E data, scored as its papers do: BLEU of generated sentences against all references.

    python -m benchmarks.e2e E2E --model "$(python -m benchmarks.smollm2)" [--methods prefix adamix lora llama_adapter]
                             [--steps 60] [--questions 100] [--seeds 0] [--jobs 1] [--out docs/e2e.md]

E2E is a folder with train_tokenized.jsonl, dev.jsonl and test.jsonl, rows of a meaning representation (mr) and one of
its sentences (ref). The page and its figures in benchmarks/results are written after every run; figures that are there
are not made again, so that it may be cut off at any time.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.finished import finished
from benchmarks.glue import markdown
from benchmarks.machine import machine
from benchmarks.parts import Row, measure
from engine.config.run import RunConfig
from engine.core.atomic import write_text
from engine.data.dataset import Dataset
from engine.evaluation.lines import first_line
from engine.evaluation.text import greedy_answers
from engine.evaluation.text_metrics import text_metrics
from engine.methods import METHODS
from engine.methods.base import Method
from engine.models.base import Base
from engine.models.loading import load_base

UNTUNED = "untuned"
BATCH, VALIDATED, SHOWN = 16, 60, 2
"""Rows of an update, rows of dev.jsonl that are validated on, and sentences that are printed."""

Part = tuple[str, int]
"""A method and a seed."""


def main() -> None:
    """Train, generate, score, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("e2e", type=Path, help="folder of the data")
    parser.add_argument("--model", default="town", help="embedded name, file, folder or hub id (default: %(default)s)")
    methods = ["prefix", "adamix", "lora", "llama_adapter"]
    parser.add_argument("--methods", nargs="+", default=methods, choices=list(METHODS))
    parser.add_argument("--steps", type=int, default=60, help="updates of each method (default: %(default)s)")
    parser.add_argument("--questions", type=int, default=100, help="of the test file, the first (default: %(default)s)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="seeds (default: 0)")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("docs/e2e.md"))
    args = parser.parse_args()
    here = {"model": Path(args.model).name, "steps": args.steps, "questions": args.questions}
    asked = [(UNTUNED, 0), *((method, seed) for seed in args.seeds for method in args.methods)]
    work = partial(measured, args.model, args.e2e, args.steps, args.questions)
    measure(args.out, here, asked, lambda row: (row["method"], row["seed"]), work, page, args.jobs)


def measured(model: str, e2e: Path, steps: int, questions: int, part: Part) -> Iterator[Row]:
    """Train one method, unless it is the untuned base, and score the sentences that it writes."""
    method, seed = part
    base = load_base(model)
    with tempfile.TemporaryDirectory() as name:
        test, validation = Path(name) / "test.jsonl", Path(name) / "dev.jsonl"
        write_text(test, first_questions(e2e / "test.jsonl", questions))
        lines = (e2e / "dev.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        write_text(validation, "".join(lines[:VALIDATED]))
        config = RunConfig(
            model=model,
            dataset=str(e2e / "train_tokenized.jsonl"),
            method="lora" if method == UNTUNED else method,
            data={"prompt": "mr", "response": "ref", "validation": str(validation), "test": str(test)},
            training={"steps": steps, "batch_size": BATCH, "eval_every": steps, "score_rows": 1, "seed": seed},
        )
        run = None if method == UNTUNED else finished(Path(name) / "run", config, base)
        yield {
            "method": method,
            "seed": seed,
            "trains": run.trainable if run else 0,
            "seconds": round(run.seconds) if run else 0,
            "parameters": base.shape.parameters,
            "machine": machine(base),
            **written(base, run.method if run else None, config.load_data(base.tokenizer)),
        }


def written(base: Base, method: Method | None, dataset: Dataset) -> dict[str, Any]:
    """The scores of greedy sentences, each of which ends with its line, and the first that differ in their question."""
    rows = dataset.rows("test")
    answers = [first_line(answer) for answer in greedy_answers(base, method, dataset, rows)]
    prompts = [row.prompt for row in rows]
    metrics = text_metrics(prompts, [row.response for row in rows], answers)
    shown = list({prompt: at for at, prompt in reversed(list(enumerate(prompts)))}.values())[::-1][:SHOWN]
    return {
        "bleu": metrics.bleu,
        "chrf": metrics.chrf,
        "rouge_l": metrics.rouge_l,
        "signature": metrics.signature,
        "asked": [[prompts[at], rows[at].response, answers[at]] for at in shown],
    }


def first_questions(file: Path, count: int) -> str:
    """The lines of the first different questions, with all references that each has."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    asked = [json.loads(line)["mr"] for line in lines]
    wanted = set(list(dict.fromkeys(asked))[:count])
    return "".join(line for line, question in zip(lines, asked, strict=True) if question in wanted)


def page(rows: list[Row]) -> str:
    """What is written down."""
    order = {name: at for at, name in enumerate((UNTUNED, *METHODS))}
    rows = sorted(rows, key=lambda row: (order[row["method"]], row["seed"]))
    first = rows[0]
    samples = "\n\n".join(_sample(rows, at) for at in range(len(first["asked"])))
    return _PAGE.format(
        **{name: first[name] for name in ("model", "steps", "questions", "signature")},
        parameters=f"{first['parameters']:,}",
        machines="; ".join(dict.fromkeys(row["machine"] for row in rows)),
        batch=BATCH,
        table=markdown([_line(row) for row in rows]),
        samples=samples,
    )


def _line(row: Row) -> Row:
    return {
        "method": _title(row), "seed": row["seed"], "trains": f"{row['trains']:,}", "BLEU": f"{row['bleu']:.1f}",
        "chrF": f"{row['chrf']:.1f}", "ROUGE-L": f"{row['rouge_l']:.1f}", "seconds": row["seconds"],
    }  # fmt: skip


def _title(row: Row) -> str:
    return "untuned base" if row["method"] == UNTUNED else METHODS[row["method"]].title


def _sample(rows: list[Row], at: int) -> str:
    """One question with a reference, and what everybody writes."""
    prompt, reference, _ = rows[0]["asked"][at]
    firsts = {row["method"]: row for row in reversed(rows)}
    said = [f"- {_title(row)}: {row['asked'][at][2]}" for row in rows if firsts[row["method"]] is row]
    return "\n".join([f"`{prompt}`", "", f"- one of the references: {reference}", *said])


_PAGE = """# E2E: table to text

Measured by `python -m benchmarks.e2e E2E --model {model} --steps {steps} --questions {questions}`
({parameters} parameters; {machines}; on a machine that did other work too, so the seconds are a bound). 42,061 training
rows, default settings of each method, {steps} updates of {batch} rows. Greedy sentences for the first {questions}
different questions of the test file, each cut at its first line break and scored against all its references (sacrebleu:
`{signature}`).

{table}

Published figures, for GPT-2 medium (354 million parameters) after five epochs, BLEU on all 630 questions as the E2E
script computes it: full fine-tuning 68.2, LoRA 70.4, prefix tuning 69.7 and AdaMix 71.0 with beam search. Here a model
of a third of that size reads {steps} × {batch} rows, and takes the likeliest word each time.

## What they write

{samples}
"""


if __name__ == "__main__":
    main()
