"""Padding, speed and result of training with batches that are sorted by length in narrow or wide windows.

    python -m benchmarks.batch_windows ALPACA --model FOLDER [--steps 300] [--seeds 3]

ALPACA is the folder with alpaca_data.json. Prints, for windows of 8 and of 50 batches of 16 rows, the share of padding
in an epoch, rows per second of training steps (alternating, median over seeds), and the validation loss of each seed.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.config.run import RunConfig
from engine.data import batching
from engine.data.batching import batches_from, sorted_batches
from engine.data.tokenise import Example
from engine.models.loading import load_base
from engine.training.launch import start_run

WINDOWS = {"narrow": (8, 8), "wide": (8, 50)}
SIZE = 16


def main() -> None:
    """Measure, and print a line for each window."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("alpaca", type=Path)
    parser.add_argument("--model", default="town")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    base = load_base(args.model)
    config = RunConfig(
        model=args.model,
        dataset=str(args.alpaca / "alpaca_data.json"),
        method="lora",
        data={"row_limit": 4000},
        training={"steps": args.steps, "batch_size": SIZE, "eval_every": args.steps, "score_rows": 0},
    )
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in WINDOWS}
    for seed in range(args.seeds):
        for name, window in WINDOWS.items():
            batching.SORTED_BATCHES = window
            of_seed = replace(config, training={**config.training, "seed": seed})
            with tempfile.TemporaryDirectory() as folder:
                trainer = start_run(Path(folder) / "run", of_seed, lambda *_, **__: base)
                padding = _padding(trainer.examples, seed)
                for _ in trainer.run():
                    pass
                best = trainer.position.best.loss or float("nan")
                found[name].append((padding, args.steps * SIZE / trainer.position.wall_s, best))
    for name, rows in found.items():
        padding, speed = (statistics.median(row[place] for row in rows) for place in (0, 1))
        losses = ", ".join(f"{row[2]:.4f}" for row in rows)
        print(f"{name}: padding {padding:.1%}, {speed:.1f} rows/s, validation losses {losses}")


def _padding(examples: Sequence[Example], seed: int) -> float:
    """Share of the tokens of an epoch that are padding."""
    rows = batches_from(examples, SIZE, seed, 0, sorted_batches(len(examples), SIZE))
    lengths = [[len(example.ids) for example in next(rows)] for _ in range(-(-len(examples) // SIZE))]
    return 1 - sum(map(sum, lengths)) / sum(max(batch) * len(batch) for batch in lengths)


if __name__ == "__main__":
    main()
