"""Every method on a real LLaMA in three number formats: perplexity on fairy tales that it never read, before and after.

    python -m benchmarks.stories STORIES FAIRYTALES [--steps 60] [--formats fp32 bf16 int8] [--out docs/stories.md]

STORIES is the folder of a causal model, such as stories260K; FAIRYTALES holds fairytaleqa.jsonl, whose stories bring
their own split. Rows are passages of whole sentences, learned from their first word to their last. The page and the
its figures in benchmarks/results are written after every row; figures that are there are not made again,
unless a run with more steps is asked for.
"""

import argparse
import json
import math
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.glue import markdown
from benchmarks.machine import machine
from benchmarks.parts import Row, figures_of, gather, kept
from engine.config.run import RunConfig
from engine.core.atomic import write_json, write_text
from engine.core.errors import ModelError
from engine.data.batching import collator_of
from engine.data.tokenise import encode_rows
from engine.evaluation.loss import mean_loss
from engine.exchange.native import load_adapter
from engine.methods import METHODS
from engine.methods.attach import attached_view
from engine.methods.base import Method
from engine.models.base import Base
from engine.models.loading import load_base
from engine.training.launch import start_run

FORMATS = ("fp32", "bf16", "int8")
ROWS, LENGTH = 16, 256
LETTERS = 480
"""Longest passage, which is about as many tokens as a row may have."""

TEST_ROWS, VALIDATED = 96, 32
"""Passages that are scored and that are validated on, evenly spaced over all tales of their split."""


def main() -> None:
    """Train, score, and write after every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stories", type=Path, help="folder of the model")
    parser.add_argument("fairytales", type=Path, help="folder of the tales")
    parser.add_argument("--steps", type=int, default=60, help="updates of each run (default: %(default)s)")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--formats", nargs="+", default=list(FORMATS), choices=FORMATS)
    parser.add_argument("--jobs", type=int, default=1, help="number formats side by side (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("docs/stories.md"))
    args = parser.parse_args()
    figures = figures_of(args.out)
    rows = kept(figures)
    known = {(row["method"], row["format"]) for row in rows if row["steps"] >= args.steps}
    parts = [(each, [name for name in args.methods if (name, each) not in known]) for each in args.formats]
    with tempfile.TemporaryDirectory() as name:
        write_tales(args.fairytales / "fairytaleqa.jsonl", Path(name))
        work = partial(measured, str(args.stories), Path(name), args.steps)
        for row in gather(work, [part for part in parts if part[1]], args.jobs):
            print(json.dumps(row), flush=True)
            rows.append(row)
            write_json(figures, rows)
            write_text(args.out, page(rows))
    write_text(args.out, page(rows))


def write_tales(file: Path, folder: Path) -> None:
    """Cut every tale into passages; each split of the tales becomes a file of rows with one text."""
    tales: dict[str, dict[str, list[str]]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        fields = json.loads(line)
        sections = tales.setdefault(fields["split"], {}).setdefault(fields["story"], [])
        sections += [section for section in fields["sections"] if section not in sections]
    for split, stories in tales.items():
        rows = [{"text": text} for sections in stories.values() for text in passages(" ".join(sections))]
        rows = evenly(rows, VALIDATED) if split == "val" else rows
        write_text(folder / f"{split}.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def evenly(rows: Sequence[Any], count: int) -> list[Any]:
    """So many rows, evenly spaced."""
    return [rows[at * len(rows) // count] for at in range(count)]


def passages(tale: str) -> Iterator[str]:
    """Whole sentences, as many as fit together."""
    held = ""
    for sentence in re.split(r"(?<=[.!?]['\"]) |(?<=[.!?]) ", " ".join(tale.split())):
        if held and len(held) + len(sentence) >= LETTERS:
            yield held
            held = ""
        held = f"{held} {sentence}".strip()
    if held:
        yield held


def measured(model: str, folder: Path, steps: int, part: tuple[str, list[str]]) -> Iterator[Row]:
    """A row for each method on one base; a part is a number format and its methods."""
    number_format, methods = part
    base = load_base(model, number_format)
    before = perplexity(base, None, config_of(model, folder, methods[0], number_format, steps))
    for name in methods:
        config = config_of(model, folder, name, number_format, steps)
        row = {
            "method": name, "format": number_format, "steps": steps, "parameters": base.shape.parameters,
            "machine": machine(base), "before": before,
        }  # fmt: skip
        began = time.perf_counter()
        try:
            trainer = start_run(folder / f"{name}-{number_format}", config, lambda _name, _precision: base)
        except ModelError as error:
            yield row | {"refused": str(error)}
            continue
        for _ in trainer.run():
            pass
        seconds = time.perf_counter() - began
        tuned = load_adapter(trainer.folder.adapter_path, base)
        trains = sum(parameter.numel() for parameter in trainer.method.parameters())
        yield row | {
            "trains": trains, "rate": tuned.spec.usual_rate(tuned.settings, base.shape.d), "seconds": round(seconds, 1),
            "after": perplexity(base, tuned, config),
        }  # fmt: skip


def config_of(model: str, folder: Path, method: str, number_format: str, steps: int) -> RunConfig:
    """A run with the method's default settings."""
    return RunConfig(
        model=model,
        dataset=str(folder / "train.jsonl"),
        method=method,
        data={"validation": str(folder / "val.jsonl"), "test": str(folder / "test.jsonl")},
        training={
            "steps": steps, "batch_size": ROWS, "max_seq_len": LENGTH, "precision": number_format, "eval_every": steps,
            "save_every": steps,
        },
    )  # fmt: skip


def perplexity(base: Base, method: Method | None, config: RunConfig) -> float:
    """Of test passages, over their tokens and the end of each."""
    dataset = config.load_data(base.tokenizer)
    examples = encode_rows(base.tokenizer, dataset, evenly(dataset.rows("test"), TEST_ROWS), LENGTH)
    return round(math.exp(mean_loss(attached_view(base, method), examples, collator_of(base))), 3)


def page(rows: list[Row]) -> str:
    """What is written down: of every method and number format the longest run."""
    order = {name: at for at, name in enumerate(METHODS)}
    longest = {(row["method"], row["format"]): row for row in sorted(rows, key=lambda row: row["steps"])}
    rows = sorted(longest.values(), key=lambda row: (FORMATS.index(row["format"]), order[row["method"]]))
    untuned = {row["format"]: row["before"] for row in rows}
    refusals = "".join(f"\n- {row['refused']}" for row in rows if "refused" in row)
    return _PAGE.format(
        machines="; ".join(machines(rows)),
        parameters=rows[0]["parameters"],
        rows=ROWS,
        length=LENGTH,
        test=TEST_ROWS,
        before=", ".join(f"{value:.2f} in {name}" for name, value in untuned.items()),
        table=markdown([_shown(row) for row in rows]),
        refusals=f"{refusals}\n" if refusals else "",
    )


def machines(rows: list[Row]) -> list[str]:
    """Where the rows were measured."""
    return list(dict.fromkeys(row["machine"] for row in rows))


def _shown(row: Row) -> dict[str, object]:
    after = f"{row['after']:.2f}" if "after" in row else "refused, see below"
    return {
        "method": METHODS[row["method"]].title,
        "base in": row["format"],
        "updates": row["steps"],
        "trains": f"{row['trains']:,}" if "trains" in row else "–",
        "seconds": f"{row['seconds']:.0f}" if "seconds" in row else "–",
        "perplexity before": f"{row['before']:.2f}",
        "after": after,
    }


_PAGE = """# Fairy tales on a real LLaMA

Measured by `python -m benchmarks.stories STORIES FAIRYTALES`
({machines}).

The model is stories260K: a LLaMA of {parameters:,} parameters, whose 8 heads share 4 heads of keys and values. It has
read simple stories only. Each method trains with its default settings on {rows} passages a time of
FairytaleQA's training tales, each of at most {length} tokens. Perplexity is that of {test} passages from its test
tales, over every token and the end of the passage; without tuning it is {before}.
Seconds are all from the start to the finished adapter, on a machine that did other work too: they tell only the order
of size. Compare number formats where the updates are as many. P-tuning v2 begins with random keys and values in every
layer, which disturb the model until they are learned.

{table}
{refusals}"""

if __name__ == "__main__":
    main()
