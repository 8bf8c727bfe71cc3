"""One of the processes of `test_processes`: trains, or helps to train, tiny runs one after another.

Called with the folder of the runs; which process it is stands in the environment, as `accelerate launch` leaves it.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from engine.config.run import RunConfig
from engine.core.errors import DataError, WorkbenchError
from engine.methods import method_spec
from engine.runs.folder import RunFolder
from engine.training import follower
from engine.training.follower import follow
from engine.training.launch import resume_run, start_run
from engine.training.loop import Trainer
from engine.training.objective import TrainingObjective
from engine.training.processes import Processes
from tests.unit.making import QUICK, Maker, load

STEPS = 4


def runs(maker: Maker) -> Iterator[tuple[str, RunConfig]]:
    """What two processes train as one does: name and config. Dropout, which differs from row to row, is off."""
    for method, settings in QUICK.items():
        still = {"dropout": 0.0} if "dropout" in method_spec(method).settings().to_dict() else {}
        yield method, maker.config(method, {**settings, **still}, steps=STEPS)
    yield "in-parts", maker.config(steps=STEPS, micro_batches=2, max_grad_norm=0.05)
    yield "one-row", maker.config(steps=STEPS, batch_size=1)


def lead(maker: Maker, processes: Processes) -> None:
    """In process 0: train every run in two halves, and then some that fail."""
    for name, config in runs(maker):
        path = maker.folder / name
        with processes.leading():
            train(start_run(path, config, load, processes=processes), STEPS // 2)
        with processes.leading():
            train(resume_run(RunFolder.open(path), load, processes=processes), STEPS + 1)
    with processes.leading(), suppress(WorkbenchError):
        start_run(maker.folder / "wrong", maker.config(dataset="nowhere"), load, processes=processes)
    for name in ("unlike", "failing", "dying"):
        with processes.leading(), suppress(WorkbenchError):
            try:
                train(start_run(maker.folder / name, maker.config(steps=STEPS), load, processes=processes), STEPS + 1)
            except WorkbenchError as error:
                (maker.folder / f"{name}.txt").write_text(f"{error.key} {error}")
                raise


def train(trainer: Trainer, until: int) -> None:
    """Train up to a step and close, as Ctrl-C does."""
    with trainer.folder.owned():
        generator = trainer.run()
        for progress in generator:
            if progress.step == until:
                generator.close()


def help_(maker: Maker, processes: Processes) -> None:
    """In process 1: help with every run, also with one that cannot begin, and then go wrong in three ways."""
    for _ in range(2 * len(list(runs(maker)))):
        follow(processes, load)
    follow(processes, load)  # what is wrong before anything is begun concerns process 0 alone
    same, forward = follower.changed_splits, TrainingObjective.forward
    follower.changed_splits = lambda *_: ["train"]
    with suppress(WorkbenchError):
        follow(processes, load)
    follower.changed_splits, TrainingObjective.forward = same, fails
    with suppress(WorkbenchError):
        follow(processes, load)
    TrainingObjective.forward = forward
    TrainingObjective.forward = dies
    follow(processes, load)


def fails(*_: object) -> None:
    """What a disk that is gone does to a process."""
    raise DataError("no_rows", "There are no rows here.")


def dies(*_: object) -> None:
    """What the operating system does to a process that takes too much memory."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    both = Processes.of_environment()
    (lead if both.main else help_)(Maker(Path(sys.argv[1])), both)
