"""Which linears LoRA should change: its usual targets beside all linears and the MLP, at about as many parameters.

    python -m benchmarks.lora_targets [--datasets town-qa ...] [--seeds 0] [--out docs/lora_targets.md]

On the embedded base, with the usual rate and the same scale alpha / rank. One thread, and CPU time. The page and its
figures in benchmarks/results are written after every run; figures that are there are not made again.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from benchmarks.expected import measured
from benchmarks.glue import markdown
from benchmarks.machine import machine
from benchmarks.parts import Row, measure
from engine.data.dataset import load_dataset
from engine.data.shipped import shipped
from engine.methods import METHODS
from engine.models.loading import load_base

USUAL = METHODS["lora"].settings().to_dict()
CHOICES: dict[str, dict[str, Any]] = {
    "q v": {},
    "all": {"targets": "all", "rank": 2},
    "mlp": {"targets": "mlp", "rank": 3},
}
"""Settings by targets; the rank is that with which about as many numbers train."""

SMALLER = ("loss", "forgetting")
"""Figures that are better when they are smaller."""

Part = tuple[str, str, int]
"""Targets, a dataset and a seed."""


def main() -> None:
    """Train, score, and write after every run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    suited = [name for name in shipped() if "lora" in (load_dataset(name).suited or METHODS)]
    parser.add_argument("--datasets", nargs="+", default=suited, choices=suited, help="datasets (default: all)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="seeds (default: 0)")
    parser.add_argument("--out", type=Path, default=Path("docs/lora_targets.md"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    asked = [(targets, dataset, seed) for seed in args.seeds for dataset in args.datasets for targets in CHOICES]
    measure(args.out, {"machine": machine(load_base("town"))}, asked, part_of, run, page)


def part_of(row: Row) -> Part:
    """The part that a row is of."""
    return row["targets"], row["dataset"], row["seed"]


def settings_of(targets: str) -> dict[str, Any]:
    """Settings of LoRA whose updates are scaled as with the usual ones."""
    own = CHOICES[targets]
    return {**own, "alpha": USUAL["alpha"] / USUAL["rank"] * own["rank"]} if own else {}


def run(part: Part) -> Iterator[Row]:
    """The row of one run."""
    targets, dataset, seed = part
    row = measured(dataset, "lora", seed, settings_of(targets))
    told = {name: row[name] for name in ("dataset", "seed", "score", "forgetting", "trainable", "cpu_seconds")}
    yield {"targets": targets, **told, "loss": row["validation"][-1][1]}


def page(rows: list[Row]) -> str:
    """What is written down."""
    datasets = list(dict.fromkeys(row["dataset"] for row in rows))
    seeds = sorted({row["seed"] for row in rows})
    return _PAGE.format(
        machine=rows[0]["machine"],
        seeds=f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}",
        table=markdown([line for dataset in datasets for line in _lines(dataset, rows)]),
        often=_often(datasets, rows),
    )


def _lines(dataset: str, rows: list[Row]) -> Iterator[Row]:
    """A dataset's lines, one for each choice of targets."""
    for targets in CHOICES:
        if own := _of(rows, dataset, targets):
            score = fmean(row["score"]["value"] for row in own)
            bleu = own[0]["score"]["name"] == "bleu"
            yield {
                "dataset": dataset,
                "targets, rank": f"{targets}, {settings_of(targets).get('rank', USUAL['rank'])}",
                "trains": f"{own[0]['trainable']:,}",
                "score": f"BLEU {score:.1f}" if bleu else f"{score:.1%}",
                "validation loss": f"{_mean(own, 'loss'):.4f}",
                "forgetting": f"{_mean(own, 'forgetting'):+.3f}",
                "CPU seconds": f"{_mean(own, 'cpu_seconds'):.0f}",
            }


def _of(rows: list[Row], dataset: str, targets: str) -> list[Row]:
    return [row for row in rows if (row["dataset"], row["targets"]) == (dataset, targets)]


def _often(datasets: list[str], rows: list[Row]) -> str:
    """On how many datasets another choice ends with a lower loss than the usual one, and forgets less."""
    sentences = list[str]()
    for targets in CHOICES:
        pairs = [(_of(rows, dataset, "q v"), _of(rows, dataset, targets)) for dataset in datasets]
        pairs = [(usual, other) for usual, other in pairs if usual and other]
        if targets != "q v" and pairs:
            lower = {name: sum(_mean(other, name) < _mean(usual, name) for usual, other in pairs) for name in SMALLER}
            sentences.append(
                f"With the targets `{targets}` the loss ends lower than with `q v` on {lower['loss']} of {len(pairs)} "
                f"datasets, and less is forgotten on {lower['forgetting']}."
            )
    return "\n".join(sentences)


def _mean(rows: list[Row], name: str) -> float:
    return fmean(row[name] for row in rows)


_PAGE = """# Which linears LoRA changes

Measured by `python -m benchmarks.lora_targets` on the embedded base ({machine};
{seeds}). Adapters of about as many numbers, with the usual learning rate and the same scale α / r; all else is as by
default. Scores are those of all test rows, losses are in nats per token, and forgetting is the rise of the loss on
plain text that the base knew.

{table}

{often}

Published comparisons on large models find more accuracy and less forgetting where all linears, or those of the MLP,
are changed, at equal parameters. The default is what LoRA's paper and HF peft have, q and v; the presets `all_linears`
and `only_mlp` have the others.
"""

if __name__ == "__main__":
    main()
