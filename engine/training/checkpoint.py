"""Everything a killed run needs to go on exactly as it would have: safetensors and JSON, no pickles."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from engine.core.atomic import write_json
from engine.core.tensors import write_tensors
from engine.exchange.native import check_tensors
from engine.methods.base import Method
from engine.runs.folder import RunFolder
from engine.training.early_stopping import BestValidation


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run stands.

    Attributes:
        step: Finished updates; also decides the place in the data.
        wall_s: Training seconds so far.
        best: How validation went so far.
        warm: Whether the method has done what it does once before the first step.
    """

    step: int = 0
    wall_s: float = 0.0
    best: BestValidation = field(default_factory=BestValidation)
    warm: bool = False


def save_checkpoint(
    folder: RunFolder,
    method: Method,
    optimiser: torch.optim.Optimizer,
    scheduler: torch.optim.lr_scheduler.LRScheduler,
    rng: Tensor,
    position: Position,
) -> None:
    """Write a checkpoint and put it in the place of the old one in a way that survives a crash at any moment."""
    fresh = folder.path / "checkpoint.new"
    write_tensors(fresh / "method.safetensors", method.state_dict())
    tensors, plain = _split(optimiser.state_dict())
    write_tensors(fresh / "optimiser.safetensors", {**tensors, "rng": rng})
    write_json(
        fresh / "trainer.json",
        {
            "step": position.step,
            "wall_s": position.wall_s,
            "best": position.best.to_dict(),
            "warm": position.warm,
            "optimiser": plain,
            "scheduler": {k: v for k, v in scheduler.state_dict().items() if k != "lr_lambdas"},
        },
    )
    folder.replace_checkpoint(fresh)


def load_checkpoint(
    folder: RunFolder,
    method: Method,
    optimiser: torch.optim.Optimizer,
    scheduler: torch.optim.lr_scheduler.LRScheduler,
) -> tuple[Position, Tensor]:
    """Restore method, optimiser and scheduler; returns the position and the random state."""
    path = folder.checkpoint_path
    restore_method(folder, method)
    facts = json.loads((path / "trainer.json").read_text(encoding="utf-8"))
    tensors = load_file(path / "optimiser.safetensors")
    rng = tensors.pop("rng")
    optimiser.load_state_dict(_joined(tensors, facts["optimiser"]))
    scheduler.load_state_dict({**facts["scheduler"], "lr_lambdas": [None] * len(scheduler.base_lrs)})
    return Position(facts["step"], facts["wall_s"], BestValidation.from_dict(facts["best"]), facts["warm"]), rng


def restore_method(folder: RunFolder, method: Method) -> None:
    """Put a checkpoint's values into a method that was just built, with all structure that training needs."""
    values = load_file(folder.checkpoint_path / "method.safetensors")
    check_tensors(method.state_dict(), values, "method.safetensors")
    method.load_state_dict(values)


def has_checkpoint(path: Path) -> bool:
    """Whether a checkpoint folder is there and whole."""
    return (path / "trainer.json").exists()


def _split(state: dict[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors of an optimiser's state by "parameter/name", and everything else as plain values."""
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
    state: dict[int, dict[str, Any]] = {int(index): dict(values) for index, values in plain["state"].items()}
    for key, tensor in tensors.items():
        index, name = key.split("/", 1)
        state.setdefault(int(index), {})[name] = tensor
    return {"state": state, "param_groups": plain["groups"]}
