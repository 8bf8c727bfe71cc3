"""Makes tiny datasets and runs, kills some, and reads what a run left behind."""

import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from engine.config.run import RunConfig
from engine.methods import METHODS
from engine.runs.folder import RunFolder
from engine.runs.log import all_events
from engine.training.launch import resume_run, start_run
from engine.training.loop import Trainer
from tests.tiny import tiny_base

ANIMALS, NUMBERS = ("cat", "doge", "owl", "newts"), ("1", "22", "333", "4", "55", "6")
ROWS = [(f"{a} and {b}", f"{a}{b}") for a in ANIMALS for b in NUMBERS]

QUICK = {name: dict(spec.quick) for name, spec in METHODS.items()}
"""What takes long by default and matters to no test here."""


def make_dataset(folder: Path, rows=ROWS, **facts: object) -> Path:
    """A dataset folder: two thirds of the rows train, the rest is held out."""
    folder.mkdir(parents=True, exist_ok=True)
    description = {
        "title": {"en": "Tiny"},
        "summary": {"en": "Joins two words."},
        "template": "Q: {prompt}\nA: ",
        "max_new_tokens": 4,
        **facts,
    }
    (folder / "dataset.json").write_text(json.dumps(description), encoding="utf-8")
    cut = len(rows) * 2 // 3
    parts = {"train": rows[:cut], "validation": rows[cut:], "test": rows[cut:]}
    for split, part in parts.items():
        lines = [json.dumps({"prompt": prompt, "response": response}) for prompt, response in part]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@dataclass
class Maker:
    """Starts and resumes tiny runs below one folder."""

    folder: Path

    def config(
        self,
        method: str = "llama_adapter",
        settings: dict | None = None,
        dataset: str = "",
        data: dict | None = None,
        **training: object,
    ) -> RunConfig:
        """A short run on the tiny llama; on a dataset folder of its own if none is given."""
        folder = self.folder / "data"
        if not dataset and not folder.exists():
            make_dataset(folder)
        values = {"steps": 8, "batch_size": 4, "eval_every": 4, "save_every": 3, "max_seq_len": 40, "warmup_ratio": 0.0}
        return RunConfig(
            model="llama",
            dataset=dataset or str(folder),
            data=data or {},
            method=method,
            method_settings=settings or QUICK.get(method, {}),
            training={**values, "learning_rate": 1e-2, **training},
        )

    def start(self, name: str, method: str = "llama_adapter", settings: dict | None = None, **training) -> Trainer:
        """A trainer at step 0."""
        return start_run(self.folder / name, self.config(method, settings, **training), load)

    def resume(self, name: str) -> Trainer:
        """A trainer at the newest checkpoint of a run."""
        return resume_run(RunFolder.open(self.folder / name), load)


@dataclass
class Shelf:
    """Runs that many tests look at, each trained once. Whoever changes a run's folder gets a copy of its own."""

    maker: Maker
    _runs: dict[str, Trainer] = field(default_factory=dict)

    def finished(self, method: str = "llama_adapter", settings: dict | None = None, **training) -> Trainer:
        """A run that was never interrupted; its folder and its method stay as they are."""
        return self._kept("finished", finish, method, settings, training)

    def stopped(self, folder: Path, name: str = "broken") -> RunFolder:
        """A default run that was stopped after five steps, copied below a folder."""
        kept = self._kept("stopped", lambda trainer: train_to(trainer, 5), "llama_adapter", None, {})
        shutil.copytree(kept.folder.path, folder / name)
        return RunFolder.open(folder / name)

    def _kept(self, end: str, train: Callable[[Trainer], Trainer], method, settings, training) -> Trainer:
        key = f"{end} {method} {settings} {training}"
        if key not in self._runs:
            self._runs[key] = train(self.maker.start(str(len(self._runs)), method, settings, **training))
        return self._runs[key]


def load(name: str, precision: str):
    """The tiny base of a family."""
    assert precision == "fp32"
    return tiny_base(name)


def finish(trainer: Trainer) -> Trainer:
    """Train to the end."""
    for _ in trainer.run():
        pass
    return trainer


def train_to(trainer: Trainer, step: int) -> Trainer:
    """Train so many steps, then stop."""
    progress = trainer.run()
    for each in progress:
        if each.step == step:
            break
    progress.close()
    return trainer


def broken_off(start: Callable[[], Trainer], step: int, *, killed: bool) -> RunFolder:
    """Folder of a run that was killed at a step, or stopped after it."""
    return kill_at(step, start) if killed else train_to(start(), step).folder


def kill_at(step: int, start: Callable[[], Trainer]) -> RunFolder:
    """Train in a process of its own, and end that with SIGKILL as soon as an optimiser step is made.

    The processes are forked from a server that has torch loaded, so each costs well below a second.

    Args:
        step: Optimiser steps before the kill.
        start: Makes the trainer; a function that can be pickled, such as a partial of one.

    Returns:
        The folder that the process left.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.unit.making"])
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=_train_and_die, args=(step, start, writer))
    process.start()
    writer.close()
    path = reader.recv()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    return RunFolder.open(path)


def _train_and_die(step: int, start: Callable[[], Trainer], writer) -> None:
    trainer = start()
    writer.send(trainer.folder.path)
    for progress in trainer.run():
        if progress.step == step:
            os.kill(os.getpid(), signal.SIGKILL)


def events_of(trainer: Trainer, kind: str) -> list[dict]:
    """All events of one kind, in order."""
    return [event for event in all_events(trainer.folder.events_path) if event["kind"] == kind]


def losses(trainer: Trainer) -> list[float]:
    """Training losses by step, each step exactly once."""
    events = events_of(trainer, "loss")
    assert [event["step"] for event in events] == list(range(1, len(events) + 1))
    return [event["loss"] for event in events]
