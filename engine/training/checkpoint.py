"""Checkpoints: all that a killed run needs to go on exactly as it would have. Safetensors and JSON, no pickles.

The newest two are kept. Each holds the checksums of its files, so that one that a disk has damaged is noticed, and the
older one is used.
"""

import hashlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from engine.core.atomic import write_json
from engine.core.errors import ExchangeError, RunError
from engine.core.plain_json import loads
from engine.core.tensors import write_tensors
from engine.exchange.native import check_tensors
from engine.methods.base import Method
from engine.runs.folder import RunFolder
from engine.training.divergence import Stability
from engine.training.early_stopping import BestValidation
from engine.training.schedule import follow_schedule
from engine.training.telemetry_time import TelemetryTime

MISSING = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
PARTS = ("method.safetensors", "optimiser.safetensors", "trainer.json")
CHECKSUMS = "checksums.json"
DAMAGE = (ValueError, TypeError, LookupError, AttributeError, SafetensorError, ExchangeError, *MISSING)
"""What reading a damaged checkpoint raises."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run stands.

    Attributes:
        step: Finished optimiser steps; also determines the next batch.
        wall_s: Seconds of training so far.
        best: Result of the validations so far.
        warm: Whether the method has finished its warm-up.
        stability: Whether the loss has stayed where it should.
        validation_due: Whether the validation of this step has not been finished: a resumed run makes it first.
        telemetry: What validations and frames have taken.
    """

    step: int = 0
    wall_s: float = 0.0
    best: BestValidation = field(default_factory=BestValidation)
    warm: bool = False
    stability: Stability = field(default_factory=Stability)
    validation_due: bool = False
    telemetry: TelemetryTime = field(default_factory=TelemetryTime)


@dataclass(slots=True)
class TrainingState:
    """All that a training step changes.

    Attributes:
        method: Its parameters train.
        optimiser: Over these parameters.
        scheduler: Of the learning rate.
        rng: State of the CPU's random number generator for the next step.
        position: Where the run stands.
    """

    method: Method
    optimiser: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler
    rng: Tensor
    position: Position = field(default_factory=Position)


def save_checkpoint(folder: RunFolder, state: TrainingState) -> None:
    """Write a checkpoint beside the old one, then put it in its place; after a crash at any moment one is whole.

    Raises:
        OSError: It cannot be written, on a full disk for instance; what was written of it is deleted. So is it after a
            SafetensorError.
    """
    fresh = folder.path / "checkpoint.new"
    try:
        _write(fresh, state)
        folder.replace_checkpoint(fresh)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _write(fresh: Path, state: TrainingState) -> None:
    position = state.position
    write_tensors(fresh / "method.safetensors", state.method.state_dict())
    tensors, plain = _split(state.optimiser.state_dict())
    write_tensors(fresh / "optimiser.safetensors", {**tensors, "rng": state.rng})
    write_json(
        fresh / "trainer.json",
        {
            "step": position.step,
            "wall_s": position.wall_s,
            "best": position.best.to_dict(),
            "warm": position.warm,
            "stability": position.stability.to_dict(),
            "validation_due": position.validation_due,
            "telemetry": position.telemetry.to_dict(),
            "optimiser": plain,
            "scheduler": {k: v for k, v in state.scheduler.state_dict().items() if k != "lr_lambdas"},
        },
    )
    write_json(fresh / CHECKSUMS, {name: _checksum(fresh / name) for name in PARTS})


def load_checkpoint(folder: RunFolder, state: TrainingState) -> str:
    """Put the values of the newest checkpoint that is whole into a state that was just built.

    A damaged one is moved aside, so that it never takes the place of a whole one. What is no damage, as a lack of
    memory, is raised.

    Returns:
        What is wrong with a newer one that was passed over; empty if there is none.

    Raises:
        RunError: None is whole.
    """
    problem, damaged = "", list[Path]()
    for path in folder.checkpoint_paths:
        try:
            _load(path, state)
        except DAMAGE as error:
            problem = problem or str(error) or type(error).__name__
            damaged.append(path)
        else:
            for other in damaged:
                aside = folder.path / "checkpoint.damaged"
                shutil.rmtree(aside, ignore_errors=True)
                other.rename(aside)
            return problem
    raise RunError(
        "checkpoint_damaged",
        f"The checkpoint of the run {folder.id!r} is damaged ({problem}): start the run again from its run.yaml.",
        run=folder.id,
        reason=problem,
    )


def _load(path: Path, state: TrainingState) -> None:
    """Put one checkpoint's values into a state.

    Raises:
        DAMAGE: It is damaged.
    """
    check(path)
    plain = loads((path / "trainer.json").read_text(encoding="utf-8"))
    position = Position(
        plain["step"],
        plain["wall_s"],
        BestValidation.from_dict(plain["best"]),
        plain["warm"],
        Stability.from_dict(plain.get("stability")),
        bool(plain.get("validation_due")),
        TelemetryTime.from_dict(plain.get("telemetry")),
    )
    if not 0 <= position.step == plain["scheduler"]["last_epoch"]:
        raise ValueError(f"step {position.step} is none that its learning rate has come to")
    restore_method(path, state.method)
    tensors = load_file(path / "optimiser.safetensors")
    state.rng = tensors.pop("rng")
    state.optimiser.load_state_dict(_joined(tensors, plain["optimiser"]))
    state.scheduler.load_state_dict({**plain["scheduler"], "lr_lambdas": [None] * len(state.scheduler.base_lrs)})
    follow_schedule(state.optimiser, state.scheduler)
    state.position = position


def check(path: Path) -> None:
    """Compare a checkpoint with its checksums; those of older versions have none.

    Raises:
        OSError: A file cannot be read.
        ValueError: A file is not the one that was written, or is missing.
    """
    if missing := [name for name in PARTS if not (path / name).is_file()]:
        raise ValueError(f"{missing[0]} is missing")
    if not (path / CHECKSUMS).exists():
        return
    for name, digest in loads((path / CHECKSUMS).read_text(encoding="utf-8")).items():
        if name not in PARTS or _checksum(path / name) != digest:
            raise ValueError(f"{name} is not as it was written")


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def restore_method(path: Path, method: Method) -> None:
    """Put a checkpoint's values into a method that was just built and not folded."""
    former = method.spec.former_tensors
    tensors = load_file(path / "method.safetensors")
    values = {former.get(name, name): tensor for name, tensor in tensors.items()}
    check_tensors(method.state_dict(), values, "method.safetensors")
    method.load_state_dict(values)


def whole_checkpoint(folder: RunFolder) -> Path | None:
    """The newest checkpoint of a run whose files are as they were written; None without one."""
    for path in folder.checkpoint_paths:
        try:
            check(path)
        except (OSError, ValueError):
            continue
        return path
    return None


def _split(state: dict[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors of an optimiser's state by "parameter/name", and all else as plain values."""
    tensors: dict[str, Tensor] = {}
    rest: dict[str, dict[str, Any]] = {}
    for index, entries in state["state"].items():
        for name, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f"{index}/{name}"] = value
            else:
                rest.setdefault(str(index), {})[name] = value
    return tensors, {"groups": state["param_groups"], "state": rest}


def _joined(tensors: dict[str, Tensor], plain: dict[str, Any]) -> dict[str, Any]:
    """The inverse of `_split`."""
    state: dict[int, dict[str, Any]] = {int(index): dict(values) for index, values in plain["state"].items()}
    for key, tensor in tensors.items():
        index, name = key.split("/", 1)
        state.setdefault(int(index), {})[name] = tensor
    return {"state": state, "param_groups": plain["groups"]}
