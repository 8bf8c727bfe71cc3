"""What each method reaches on each dataset that ships, on the embedded base with default settings.

    python -m benchmarks.expected [--datasets menu-to-text ...] [--methods lora ...] [--seeds 0 1 2] [--missing]

Writes assets/expected.json, from which the page says what to expect before a run is started and draws the zoo, and
`python -m benchmarks.methods` writes its texts. Rows that are not measured again stay as they were. One thread, and CPU
time: other work on the machine counts for little.
"""

import argparse
import itertools
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock

from engine.config.run import RunConfig
from engine.core.atomic import write_json
from engine.data.dataset import load_dataset
from engine.data.shipped import shipped, suited_settings, suited_training
from engine.methods import METHODS
from engine.models.loading import load_base
from engine.runs.forgetting import forgetting
from engine.runs.log import all_events
from engine.training.launch import start_run

EXPECTED = Path(__file__).resolve().parents[1] / "assets" / "expected.json"
ALL_ROWS = 500
"""More test rows than any of the datasets has."""


def main() -> None:
    """Measure, and write after every run, so that one that is cut short loses nothing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=shipped(), help="datasets to measure")
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS), help="methods to measure")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--missing", action="store_true", help="leave out what was measured before")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for dataset, seed in itertools.product(args.datasets, args.seeds):
        suited = load_dataset(dataset).suited
        for method in (name for name in args.methods if not suited or name in suited):
            if not (args.missing and (dataset, method, seed) in kept()):
                row = measured(dataset, method, seed)
                print(json.dumps(row), flush=True)
                keep(row)


def kept() -> dict[tuple[str, str, int], dict[str, Any]]:
    """The rows of the table by dataset, method and seed."""
    rows = json.loads(EXPECTED.read_text(encoding="utf-8"))["rows"] if EXPECTED.exists() else []
    return {(row["dataset"], row["method"], row["seed"]): row for row in rows}


def keep(row: dict[str, Any]) -> None:
    """Write one row; several processes may measure at once."""
    with FileLock(Path(tempfile.gettempdir()) / "gatelight-expected.lock"):
        rows = kept() | {(row["dataset"], row["method"], row["seed"]): row}
        write_json(EXPECTED, {"machine": _machine(), "rows": [rows[key] for key in sorted(rows)]})


def measured(dataset: str, method: str, seed: int, own: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One run, as the page would start it, scored on all test rows; with settings of the method's own, if any."""
    training = {"seed": seed, "score_rows": ALL_ROWS, **suited_training(dataset)}
    settings = {**suited_settings(dataset, method), **(own or {})}
    config = RunConfig(dataset=dataset, method=method, method_settings=settings, training=training)
    begin = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        trainer = start_run(Path(folder) / "run", config, load_base)
        for _ in trainer.run():
            pass
        seconds = time.process_time() - begin
        run = trainer.folder
        facts, events = run.facts(), list(all_events(run.events_path))
        forgotten = forgetting(run.events_path, facts.kept_step)
        size = (run.adapter_path / "adapter.safetensors").stat().st_size
    assert facts.score is not None, "every dataset has test rows"
    return {
        "dataset": dataset,
        "method": method,
        "seed": seed,
        "steps": facts.step,
        "score": facts.score.to_dict(),
        "forgetting": forgotten,
        "trainable": sum(parameter.numel() for parameter in trainer.method.parameters() if parameter.requires_grad),
        "file_bytes": size,
        "tokens_per_s": round(statistics.median(event["tokens_per_s"] for event in events if event["kind"] == "loss")),
        "cpu_seconds": round(seconds, 1),
        "validation": [[event["step"], event["validation_loss"]] for event in events if event["kind"] == "eval"],
    }


def _machine() -> str:
    return f"{platform.machine()}, 1 thread, torch {torch.__version__.split('+')[0]}"


if __name__ == "__main__":
    main()
