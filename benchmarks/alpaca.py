"""The 52K rows of Alpaca: what one waits for, from the file's name to the end of the first step, on an 8-bit base.

    python -m benchmarks.alpaca ALPACA [--model town] [--method llama_adapter] [--out docs/alpaca.md]

ALPACA is the folder with alpaca_data.json. Nothing about the file is told: its columns and its template are guessed.
What a real model learns from such rows is shown by `benchmarks.instructions`.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.glue import markdown
from benchmarks.machine import machine
from engine.config.run import RunConfig
from engine.core.atomic import write_text
from engine.data.dataset import load_dataset
from engine.data.inspect import inspect_data
from engine.data.preview import preview_rows
from engine.data.report import report_on
from engine.data.settings import DataSettings
from engine.methods import METHODS
from engine.models.base import Base
from engine.models.loading import load_base
from engine.training.launch import start_run

LENGTH, BATCH, PRECISION = 256, 16, "int8"
SHOWN = 3


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
    """Measure, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("alpaca", type=Path, help="folder of the data")
    parser.add_argument("--model", default="town", help="embedded name, folder or hub id (default: %(default)s)")
    parser.add_argument("--method", default="llama_adapter", choices=list(METHODS))
    parser.add_argument("--out", type=Path, default=Path("docs/alpaca.md"))
    args = parser.parse_args()
    base = load_base(args.model, PRECISION)
    with tempfile.TemporaryDirectory() as name:
        watch, rows = started(base, str(args.alpaca / "alpaca_data.json"), args.method, Path(name) / "run")
    write_text(args.out, page(base, watch, rows, args.method))
    print(args.out.read_text(encoding="utf-8"))


def started(base: Base, file: str, method: str, run: Path) -> tuple[Watch, int]:
    """What a person waits for, from the file's name to the first step, and how many rows there are."""
    training = {"steps": 1, "batch_size": BATCH, "max_seq_len": LENGTH, "precision": PRECISION, "eval_every": 1}
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
        config = RunConfig(model=base.name, dataset=file, method=method, training=training)
        steps = start_run(run, config, lambda _name, _precision: base).run()
        next(step for step in steps if step.warming is None)
    steps.close()
    return watch, sum(dataset.splits.values())


def page(base: Base, watch: Watch, rows: int, method: str) -> str:
    """What is written down."""
    waits = [{"": what, "seconds": f"{seconds:.1f}"} for what, seconds in watch.seconds.items()]
    return _PAGE.format(
        machine=machine(base),
        model=Path(base.name).name,
        parameters=base.shape.parameters,
        method=METHODS[method].title,
        rows=rows,
        waits=markdown(waits),
        total=sum(watch.seconds.values()),
    )


_PAGE = """# Alpaca: 52 thousand rows

Measured by `python -m benchmarks.alpaca ALPACA` ({machine}) with {model}
({parameters:,} parameters, in 8-bit) and {method}.

The official alpaca_data.json becomes {rows:,} rows of three splits, in Alpaca's own template. What one waits for before
the first step has ended, with the model loaded:

{waits}

Together {total:.1f} seconds. At which rates a real model learns such rows, in its own chat template:
[rates.md](rates.md).
"""

if __name__ == "__main__":
    main()
