"""How far a run with LoRA or LLaMA-Adapter on a 7-billion base would scale over GPUs: a simulation, and no measurement.

    python -m benchmarks.scaling ALPACA [--model FILE] [--steps 400] [--out docs/scaling.md]

ALPACA is the folder with alpaca_data.json; --model gives the tokenizer (default: SmolLM2). Simulated are the batches of
a real run, in its order, shared out to processes as a run shares them (`Processes.share_of`): a step takes as long as
the process with the most tokens, padding included, and then what goes over the wire. The time of a token is the one
that was measured on one GPU (docs/gpu.md); the wires are assumed, and stand on the page.
"""

import argparse
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.glue import markdown
from benchmarks.smollm2 import fetch
from engine.core.atomic import write_text
from engine.data.batching import batches_from, sorted_batches
from engine.data.dataset import load_dataset
from engine.data.settings import DataSettings
from engine.data.tokenise import encode_rows
from engine.models.loading import load_base
from engine.training.processes import Processes

GPUS = (1, 2, 4, 8, 16, 32, 64)
OF_A_MACHINE = 8
ROWS_OF_A_GPU, ROWS_OF_ALL = 8, 64
LENGTH = 512


@dataclass(frozen=True)
class Wire:
    """Between two processes.

    Attributes:
        bytes_per_s: What gets through.
        delay_s: Until the first byte of a message is there.
    """

    bytes_per_s: float
    delay_s: float


INSIDE, OUTSIDE = Wire(25e9, 20e-6), Wire(1.25e9, 100e-6)
"""Between the GPUs of a machine (PCIe 4), and between machines (10 Gbit/s)."""


@dataclass(frozen=True)
class Method:
    """What was measured of a method on one H200 with LLaMA 7B's shape in bf16, see docs/gpu.md.

    Attributes:
        trainable: Parameters that it trains.
        tokens_per_s: Of training steps, padding included.
    """

    trainable: int
    tokens_per_s: float


METHODS = {"LoRA": Method(4_194_304, 12_604), "LLaMA-Adapter": Method(1_229_760, 12_011)}


def wire_s(trainable: int, gpus: int) -> float:
    """Seconds of a step's two messages: the method's tensors to all processes, and the sum of their gradients back.

    Both go along a tree, or a ring, as NCCL does: the bytes pass the slowest wire once, the delay comes at each level.
    """
    if gpus == 1:
        return 0.0
    wire = INSIDE if gpus <= OF_A_MACHINE else OUTSIDE
    return 2 * (4 * trainable / wire.bytes_per_s + wire.delay_s * math.ceil(math.log2(gpus)))


def loads(lengths: Sequence[int], gpus: int) -> list[int]:
    """Tokens of each process in one batch, padding included."""
    shares = [Processes(rank, gpus).share_of(lengths) for rank in range(gpus)]
    return [len(share) * max(share, default=0) for share in shares]


def simulated(lengths: Sequence[Sequence[int]], method: Method, gpus: int) -> tuple[float, float, float]:
    """Seconds of a step, and the shares of it in which the average GPU waits for another one, and for the wire."""
    shared = [loads(batch, gpus) for batch in lengths]
    computed = statistics.fmean(map(max, shared)) / method.tokens_per_s
    busy = statistics.fmean(map(statistics.fmean, shared)) / method.tokens_per_s
    step = computed + wire_s(method.trainable, gpus)
    return step, (computed - busy) / step, (step - computed) / step


def table(examples: Sequence[object], steps: int, batch: int | None) -> Iterator[dict[str, object]]:
    """A line for each method and number of GPUs; `batch` rows in all, or `ROWS_OF_A_GPU` for each."""
    for name, method in METHODS.items():
        alone = 0.0
        for gpus in GPUS:
            size = batch or gpus * ROWS_OF_A_GPU
            rows = batches_from(examples, size, 0, 0, sorted_batches(len(examples), size))  # type: ignore[arg-type]
            lengths = [[len(example.ids) for example in next(rows)] for _ in range(steps)]
            step, waiting, wire = simulated(lengths, method, gpus)
            rate = statistics.fmean(map(len, lengths)) / step
            alone = alone or rate
            yield {
                "method": name,
                "GPUs": gpus,
                "rows per step": size,
                "ms per step": f"{1000 * step:.0f}",
                "rows per second": f"{rate:,.0f}",
                "of the ideal": f"{rate / alone / gpus:.0%}",
                "waits for the longest share": f"{waiting:.0%}",
                "wire": f"{wire:.1%}",
            }


def main() -> None:
    """Simulate, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("alpaca", type=Path, help="folder of the data")
    parser.add_argument("--model", default="", help="whose tokenizer to take (default: SmolLM2)")
    parser.add_argument("--steps", type=int, default=400, help="steps to simulate (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("docs/scaling.md"))
    args = parser.parse_args()
    base = load_base(args.model or str(fetch()))
    dataset = load_dataset(str(args.alpaca / "alpaca_data.json"), DataSettings())
    examples = encode_rows(base.tokenizer, dataset, dataset.rows("train"), LENGTH)
    growing, fixed = (markdown(list(table(examples, args.steps, batch))) for batch in (None, ROWS_OF_ALL))
    speeds = ", ".join(f"{name} {method.tokens_per_s:,}" for name, method in METHODS.items())
    write_text(
        args.out,
        PAGE.format(rows=len(examples), steps=args.steps, speeds=speeds, growing=growing, fixed=fixed),
    )


PAGE = f"""# Scaling over GPUs, simulated

**No GPU has run this.** Simulated by `python -m benchmarks.scaling ALPACA`:

- the speed of one H200 with LLaMA 7B's shape in bf16, as measured ([gpu.md](gpu.md)), in tokens per second:
  {{speeds}};
- the lengths of {{rows:,}} rows of Alpaca (SmolLM2's tokenizer, at most {LENGTH} tokens) over {{steps}} steps,
  in the order of a run, shared out as a run shares them;
- assumed wires: {INSIDE.bytes_per_s / 1e9:.0f} GB/s and {INSIDE.delay_s * 1e6:.0f} µs between the {OF_A_MACHINE} GPUs
  of a machine, {OUTSIDE.bytes_per_s / 1e9} GB/s (10 Gbit/s) and {OUTSIDE.delay_s * 1e6:.0f} µs between machines.

Validation, samples and checkpoints, which process 0 makes alone, are not in it. How processes work together:
[processes.md](processes.md).

"Waits for the longest share" is how long the average GPU waits for the one whose rows are longest, as a share of the
step; "wire" the same of what is sent. The ideal is the speed of one GPU times their number; it can be passed, since
larger batches are sorted over more rows, so that less is padded.

## {ROWS_OF_A_GPU} rows for each GPU

{{growing}}

## {ROWS_OF_ALL} rows in all

{{fixed}}
"""


if __name__ == "__main__":
    main()
