"""The recorded runs that the page opens with: real runs with default settings, slimmed for the repository."""

import json
import shutil
from pathlib import Path

from engine.config.run import RunConfig
from engine.core.atomic import write_text
from engine.models.loading import load_base
from engine.runs.folder import RunFolder
from engine.runs.forgetting import forgetting
from engine.runs.log import all_events
from engine.training.kept_score import kept_score
from engine.training.launch import start_run

RECORDED = ("llama_adapter", "lora", "prompt")
"""One method of each kind: inside of the attention, at the weights, in front of the text."""
KEPT_STEPS = (0, 4, 8, 16, 32, 64, 128, 192, 256, 300)
"""Snapshots that stay, so that one can chat with the run as it was."""


def record_all(target: Path) -> None:
    """Record the chosen methods on the default dataset."""
    for name in RECORDED:
        record(RunConfig(method=name), target / name)


def record(config: RunConfig, path: Path) -> None:
    """Train one run and drop what only a resumed run needs."""
    shutil.rmtree(path, ignore_errors=True)
    trainer = start_run(path, config, load_base)
    for _ in trainer.run():
        pass
    slim(trainer.folder)


def score(path: Path) -> None:
    """Score a recording that was made before runs had scores: the state that it kept, as at the end of a run today."""
    folder = RunFolder.open(path)
    base = load_base(folder.config.model)
    dataset = folder.config.load_data(base.processor)
    reached = kept_score(folder, base, dataset, folder.config.of_training().score_rows)
    step = folder.facts().step
    losses = [event for event in all_events(folder.events_path) if event["kind"] == "loss"]
    folder.update(
        kept_step=step,
        score=reached,
        forgetting=forgetting(folder.events_path, step),
        wall_s=losses[-1]["wall_s"],
        learning_rate=max(event["lr"] for event in losses),
    )
    for lock in path.glob("*lock"):
        lock.unlink()


def slim(folder: RunFolder) -> None:
    """Drop checkpoints, locks, and the snapshots of most steps, with what the log says of them."""
    for checkpoint in folder.checkpoint_paths:
        shutil.rmtree(checkpoint)
    for lock in folder.path.glob("*lock"):
        lock.unlink()
    for step in folder.snapshots():
        if step not in KEPT_STEPS:
            folder.snapshot_path(step).unlink()
    kept = [
        line
        for line in folder.events_path.read_text(encoding="utf-8").splitlines(keepends=True)
        if (event := json.loads(line))["kind"] != "snapshot" or event["step"] in KEPT_STEPS
    ]
    write_text(folder.events_path, "".join(kept))
