"""The 52K rows of Alpaca: seconds to load, preview and start; then a run on a slice of them on an 8-bit base.

    python -m benchmarks.alpaca ALPACA [--model town] [--method llama_adapter] [--rows 1000] [--out docs/alpaca.md]

ALPACA is the folder with alpaca_data.json. Nothing about the file is told: its columns and its template are guessed.
"""

import argparse
import math
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.glue import markdown
from benchmarks.machine import machine
from benchmarks.parts import Row
from engine.config.run import RunConfig
from engine.core.atomic import write_text
from engine.core.sampling import Sampling
from engine.data.batching import collator_of
from engine.data.dataset import Dataset, load_dataset
from engine.data.inspect import inspect_data
from engine.data.preview import preview_rows
from engine.data.report import report_on
from engine.data.settings import DataSettings
from engine.data.tokenise import encode_rows
from engine.evaluation.loss import mean_loss
from engine.exchange.native import load_adapter
from engine.inference.chat import ChatColumn, stream_answers
from engine.methods import METHODS
from engine.methods.attach import attached_view
from engine.methods.base import Method
from engine.models.base import Base
from engine.models.loading import load_base
from engine.training.launch import start_run
from engine.training.loop import Trainer

LENGTH, BATCH, KEPT_BACK = 256, 16, 50
PRECISION = "int8"
SHOWN = 3
ASKED = "Give three tips for staying healthy."


@dataclass
class Watch:
    """Seconds by what they were needed for."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timing(self, what: str) -> Iterator[None]:
        """Take the time of what stands within."""
        began = time.perf_counter()
        yield
        self.seconds[what] = time.perf_counter() - began


def main() -> None:
    """Measure both, and write them down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("alpaca", type=Path, help="folder of the data")
    parser.add_argument("--model", default="town", help="embedded name, folder or hub id (default: %(default)s)")
    parser.add_argument("--method", default="llama_adapter", choices=list(METHODS))
    parser.add_argument("--rows", type=int, default=1000, help="training rows of the slice (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("docs/alpaca.md"))
    args = parser.parse_args()
    file = str(args.alpaca / "alpaca_data.json")
    base = load_base(args.model, PRECISION)
    with tempfile.TemporaryDirectory() as name:
        whole, rows = started(base, file, args.method, Path(name) / "whole")
        steps = args.epochs * math.ceil(args.rows / BATCH)
        config = config_of(base, file, args.method, steps, sliced(args.rows))
        table, said = end_to_end(base, config, Path(name) / "slice")
    write_text(args.out, page(base, whole, rows, table, said, config))
    print(args.out.read_text(encoding="utf-8"))


def sliced(rows: int) -> dict[str, object]:
    """Data settings for the first rows of the file."""
    return {"row_limit": rows + 2 * KEPT_BACK, "validation_rows": KEPT_BACK, "test_rows": KEPT_BACK}


def config_of(base: Base, file: str, method: str, steps: int, data: dict[str, object]) -> RunConfig:
    """A run with the method's default settings."""
    training = {"steps": steps, "batch_size": BATCH, "max_seq_len": LENGTH, "precision": PRECISION, "eval_every": steps}
    return RunConfig(model=base.name, dataset=file, method=method, data=data, training=training)


def started(base: Base, file: str, method: str, run: Path) -> tuple[Watch, int]:
    """What a person waits for, from the file's name to the first step, and how many rows there are."""
    watch = Watch()
    with watch.timing("reading the file and guessing its columns"):
        inspect_data(file, DataSettings())
    with watch.timing("making training, validation and test rows"):
        dataset = load_dataset(file)
    with watch.timing("showing three rows token by token"):
        preview_rows(base.tokenizer, dataset, dataset.rows("train")[:SHOWN], writes=True, max_seq_len=LENGTH)
    with watch.timing("counting empty, double, leaking and cut rows"):
        report_on(base.tokenizer, dataset, LENGTH)
    with watch.timing("from Start to the end of the first step"):
        trainer = start_run(run, config_of(base, file, method, 1, {}), lambda _name, _precision: base)
        first = trainer.run()
        next(step for step in first if step.warming is None)
    first.close()
    return watch, sum(dataset.splits.values())


def end_to_end(base: Base, config: RunConfig, run: Path) -> tuple[Row, list[str]]:
    """Train on the slice, score it, ask it."""
    began = time.perf_counter()
    trainer = start_run(run, config, lambda _name, _precision: base)
    for _ in trainer.run():
        pass
    seconds = time.perf_counter() - began
    dataset, tuned = config.load_data(base.tokenizer), load_adapter(trainer.folder.adapter_path, base)
    return {
        "method": tuned.spec.title,
        "trains": f"{sum(parameter.numel() for parameter in tuned.parameters()):,}",
        "training rows": f"{len(dataset.rows('train')):,}",
        "steps": trainer.position.step,
        "seconds": round(seconds),
        "perplexity before": f"{perplexity(base, None, dataset):.2f}",
        "after": f"{perplexity(base, tuned, dataset):.2f}",
    }, answers(base, tuned, dataset, trainer)


def answers(base: Base, tuned: Method, dataset: Dataset, trainer: Trainer) -> list[str]:
    """What base and tuned model say in the chat."""
    template = trainer.folder.template or dataset.template
    columns = [ChatColumn(ASKED, template=template), ChatColumn(ASKED, tuned, template=tuned.template or template)]
    *_, last = stream_answers(base, columns, Sampling(max_new_tokens=40))
    return [" ".join((text or "").split()).replace("`", "'") for text in last.texts]


def perplexity(base: Base, method: Method | None, dataset: Dataset) -> float:
    """Of the responses of test rows."""
    examples = encode_rows(base.tokenizer, dataset, dataset.rows("test"), LENGTH)
    return math.exp(min(mean_loss(attached_view(base, method), examples, collator_of(base)), 100.0))


def page(base: Base, watch: Watch, rows: int, table: Row, said: list[str], config: RunConfig) -> str:
    """What is written down."""
    waits = [{"": what, "seconds": f"{seconds:.1f}"} for what, seconds in watch.seconds.items()]
    return _PAGE.format(
        machine=machine(base),
        model=Path(base.name).name,
        parameters=base.shape.parameters,
        rows=rows,
        waits=markdown(waits),
        total=sum(watch.seconds.values()),
        command=RunConfig(
            model=Path(config.model).name, dataset="ALPACA/alpaca_data.json", method=config.method, data=config.data,
            training=config.training,
        ).command().replace(" --", " \\\n    --"),
        test=KEPT_BACK,
        table=markdown([table]),
        asked=ASKED,
        base=said[0],
        tuned=said[1],
    )  # fmt: skip


_PAGE = """# Alpaca: 52 thousand rows

Measured by `python -m benchmarks.alpaca ALPACA` ({machine}) with {model}
({parameters:,} parameters, its base in 8-bit).

## What one waits for

The official alpaca_data.json becomes {rows:,} rows of three splits, in Alpaca's own template. Before the first step,
with the model loaded:

{waits}

Together {total:.1f} seconds.

## A slice from end to end

```sh
{command}
```

Perplexity is that of the responses of {test} test rows.

{table}

Asked "{asked}" in the chat:

- base: `{base}`
- tuned: `{tuned}`

The embedded base knows nothing of the world that Alpaca asks about. What is shown is that real data goes all the way,
and that the tuned model is less surprised by it.
"""

if __name__ == "__main__":
    main()
