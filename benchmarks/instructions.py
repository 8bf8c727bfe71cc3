"""Alpaca's instructions, and a style of answering, learned by a small real model in its own chat template.

    python -m benchmarks.instructions ALPACA [--model FILE] [--steps 60] [--methods lora] [--jobs 1]
                                      [--out docs/instructions.md]

ALPACA is the folder with alpaca_data.json; without --model it is SmolLM2 (`python -m benchmarks.smollm2`). "alpaca" are
rows of that file as they stand, "style" are its short answers within a courtly greeting and farewell, which this script
adds. Both are asked ten questions that they were not trained on. The page and its figures in benchmarks/results are
written after every run; figures that are there are not made again, so that it may be cut off at any time.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.finished import finished
from benchmarks.glue import markdown
from benchmarks.machine import machine
from benchmarks.parts import Row, measure
from benchmarks.smollm2 import fetch
from engine.config.run import RunConfig
from engine.core.atomic import write_json
from engine.core.sampling import Sampling
from engine.data.batching import collator_of
from engine.data.dataset import Dataset
from engine.data.tokenise import encode_rows
from engine.evaluation.loss import mean_loss
from engine.inference.generate import generate_answers, prompt_ids
from engine.methods import METHODS
from engine.methods.attach import attached_view
from engine.methods.base import Method
from engine.models.base import Base
from engine.models.loading import load_base

UNTUNED, SETS = "untuned", ("alpaca", "style")
BATCH, LENGTH = 8, 256
ROWS, ASKED, SCORED = 1000, 10, 40
"""Training rows, questions that are asked, and test rows whose loss is measured."""
GREETING, FAREWELL = "A very good day to you! Pray know that ", ", and I remain your humble servant."
LONGEST = 160
"""Most characters of an answer that gets the style."""

Part = tuple[str, str]
"""A set, and a method or the untuned base."""


def main() -> None:
    """Train, ask, and write after every run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("alpaca", type=Path, help="folder of the data")
    parser.add_argument("--model", default="", help="a language model with a chat template (default: SmolLM2)")
    parser.add_argument("--methods", nargs="+", default=["llama_adapter", "lora"], choices=list(METHODS))
    parser.add_argument("--steps", type=int, default=60, help="updates (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("docs/instructions.md"))
    args = parser.parse_args()
    model = args.model or str(fetch())
    here = {"model": Path(model).name, "steps": args.steps}
    asked = [(name, method) for name in SETS for method in (UNTUNED, *args.methods)]
    work = partial(measured, model, args.alpaca, args.steps)
    measure(args.out, here, asked, lambda row: (row["set"], row["method"]), work, page, args.jobs)


def measured(model: str, alpaca: Path, steps: int, part: Part) -> Iterator[Row]:
    """Train one method, unless it is the untuned base; what it answers and how much the test rows surprise it."""
    name, method = part
    base = load_base(model)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.json"
        write_json(file, rows_of(name, alpaca / "alpaca_data.json"))
        config = RunConfig(
            model=model,
            dataset=str(file),
            method="lora" if method == UNTUNED else method,
            data={
                "template": "chat", "row_limit": ROWS + 3 * SCORED, "validation_rows": SCORED, "test_rows": 2 * SCORED
            },
            training={
                "steps": steps, "batch_size": BATCH, "max_seq_len": LENGTH, "eval_every": steps, "score_rows": 0
            },
        )  # fmt: skip
        dataset = config.load_data(base.tokenizer)
        run = None if method == UNTUNED else finished(Path(folder) / "run", config, base)
        yield {
            "set": name,
            "method": method,
            "trains": run.trainable if run else 0,
            "nats": nats(base, run.method if run else None, dataset),
            "asked": answered(base, run.method if run else None, dataset),
            "parameters": base.shape.parameters,
            "machine": machine(base),
        }


def rows_of(name: str, file: Path) -> list[dict[str, str]]:
    """Rows of a set: all of Alpaca's, or those whose answer is one short sentence, within the greeting and farewell."""
    rows: list[dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    return [styled(row) for row in rows if is_short(row)] if name == "style" else rows


def is_short(row: dict[str, str]) -> bool:
    """Whether a row is a question without further text, answered in one short sentence."""
    answer = row["output"]
    one = answer.endswith(".") and "." not in answer[:-1] and "\n" not in answer and "<" not in answer
    return not row["input"] and one and len(answer) <= LONGEST


def styled(row: dict[str, str]) -> dict[str, str]:
    """The row with its answer within the greeting and farewell."""
    return row | {"output": f"{GREETING}{row['output'].removesuffix('.')}{FAREWELL}"}


def in_style(answer: str) -> bool:
    """Whether an answer has the greeting and ends with the farewell."""
    return answer.startswith(GREETING.rstrip()) and answer.rstrip().endswith(FAREWELL)


def nats(base: Base, method: Method | None, dataset: Dataset) -> float:
    """Loss per token of test answers."""
    examples = encode_rows(base.tokenizer, dataset, dataset.rows("test")[:SCORED], LENGTH)
    return round(mean_loss(attached_view(base, method), examples, collator_of(base)), 3)


def answered(base: Base, method: Method | None, dataset: Dataset) -> list[tuple[str, str]]:
    """The first questions of the test rows that stand in one line, and greedy answers."""
    rows = [row for row in dataset.rows("test") if "\n" not in row.prompt][:ASKED]
    prompts = [prompt_ids(example) for example in encode_rows(base.tokenizer, dataset, rows, LENGTH)]
    said = generate_answers(attached_view(base, method), base.tokenizer, prompts, Sampling(max_new_tokens=60))
    return [(row.prompt, text.strip()) for row, text in zip(rows, said, strict=True)]


def page(rows: Sequence[Row]) -> str:
    """What is written down."""
    order = {name: at for at, name in enumerate((UNTUNED, *METHODS))}
    ranked = sorted(rows, key=lambda row: (SETS.index(row["set"]), order[row["method"]]))
    first = ranked[0]
    return _PAGE.format(
        **{name: first[name] for name in ("model", "steps")},
        parameters=f"{first['parameters']:,}",
        machines="; ".join(dict.fromkeys(row["machine"] for row in ranked)),
        batch=BATCH,
        rows=ROWS,
        scored=SCORED,
        example=f"{GREETING}…{FAREWELL}",
        table=markdown([_line(row) for row in ranked]),
        samples="\n\n".join(_samples([row for row in ranked if row["set"] == name]) for name in SETS),
    )


def _line(row: Row) -> Row:
    told = [in_style(answer) for _, answer in row["asked"]]
    return {
        "rows": row["set"], "method": _title(row), "trains": f"{row['trains']:,}", "nats a token": f"{row['nats']:.2f}",
        "answers in the style": f"{sum(told)} of {len(told)}",
    }  # fmt: skip


def _title(row: Row) -> str:
    return "untuned" if row["method"] == UNTUNED else METHODS[row["method"]].title


def _samples(rows: Sequence[Row]) -> str:
    """Every question of a set with the answers of all."""
    if not rows:
        return ""
    lines = [f"## Asked after training on {rows[0]['set']}"]
    for at, (question, _) in enumerate(rows[0]["asked"]):
        lines += ["", f"**{question}**", "", *[f"- {_title(row)}: {_cut(row['asked'][at][1])}" for row in rows]]
    return "\n".join(lines)


def _cut(text: str) -> str:
    return " ".join(text.split())


_PAGE = """# Instructions and a style, on a small real model

Measured by `python -m benchmarks.instructions ALPACA --steps {steps}` on {model} ({parameters} parameters;
{machines}), in the model's own chat template, with the default settings of each method: {steps} updates of {batch} rows
out of {rows:,}. "alpaca" are rows of Stanford's alpaca_data.json as they stand. "style" are its one-sentence answers as
"{example}". Loss on {scored} answers that were not trained on; greedy answers of at most 60 tokens.

{table}

The style is learned. Facts are not: what the base does not know it still invents, within the style. Alpaca's
rows make such a base answer shorter, which their loss tells, but no better, and sometimes worse: it has been trained
on instructions before. Every answer stands below as it came.

{samples}
"""


if __name__ == "__main__":
    main()
