"""From a config to a trainer that is ready to run, and from a run folder to one that goes on."""

from collections.abc import Callable
from pathlib import Path

from engine.data.dataset import load_dataset
from engine.errors import RunError
from engine.methods import method_class
from engine.methods.base import Method, Start
from engine.models.base import Base
from engine.runs.config import RunConfig
from engine.runs.folder import RunFolder
from engine.runs.log import cut_back
from engine.training.checkpoint import has_checkpoint
from engine.training.trainer import Trainer

LoadBase = Callable[[str, str], Base]
"""Gives the base for (model, precision); the page keeps loaded ones, the command line loads."""


def build_method(config: RunConfig, base: Base) -> Method:
    """A fresh method with its first values.

    Raises:
        SettingError: A setting does not fit the model.
    """
    start = Start.of(base, config.of_training().seed)
    return method_class(config.method).build(config.of_method(), base.shape, start)


def start_run(path: Path, config: RunConfig, load: LoadBase, name: str = "") -> Trainer:
    """Make the run folder and a trainer at step 0. Everything that can be wrong is checked before the folder is made.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used.
    """
    config = config.checked()
    dataset = load_dataset(config.dataset)
    base = load(config.model, config.of_training().precision)
    method = build_method(config, base)
    for split in ("train", "validation"):
        dataset.rows(split)
    folder = RunFolder.create(
        path,
        config,
        name or default_name(config),
        {
            "base": {"name": base.name, "fingerprint": base.fingerprint, "parameters": base.shape.parameters},
            "trainable": sum(p.numel() for p in method.parameters()),
            "steps": config.of_training().steps,
            "emits": [event.kind for event in method.emits],
            "best_validation": None,
        },
    )
    return Trainer(folder, base, method, dataset)


def resume_run(folder: RunFolder, load: LoadBase) -> Trainer:
    """A trainer at the newest checkpoint of a run that is not finished.

    Raises:
        RunError: There is nothing to resume.
        WorkbenchError: The model or the data are gone.
    """
    if not has_checkpoint(folder.checkpoint_path):
        raise RunError(
            "no_checkpoint", f"The run {folder.id!r} has no checkpoint, so it cannot go on.", run=folder.id
        )
    config = folder.config
    facts = folder.facts()
    if facts["step"] >= config.of_training().steps:
        raise RunError("run_finished", f"The run {folder.id!r} is finished: there is nothing left to do.", run=folder.id)
    base = load(config.model, config.of_training().precision)
    if base.fingerprint != facts["base"]["fingerprint"]:
        raise RunError(
            "other_weights",
            f"The weights of {config.model!r} are not the ones that the run {folder.id!r} began with.",
            run=folder.id,
            name=config.model,
        )
    trainer = Trainer(folder, base, build_method(config, base), load_dataset(config.dataset))
    trainer.restore()
    cut_back(folder.events_path, trainer.position.step)
    folder.drop_snapshots_after(trainer.position.step)
    folder.update(epoch=facts["epoch"] + 1)
    return trainer


def default_name(config: RunConfig) -> str:
    """What a run is called when nobody names it."""
    return f"{method_class(config.method).title} · {Path(config.dataset).name}"
