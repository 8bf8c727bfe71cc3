"""From a config to a trainer at step 0, and from a run folder to one that goes on."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from accelerate import Accelerator

from engine.config.resuming import AS_IT_WAS, Resuming
from engine.config.run import RunConfig
from engine.core.errors import RunError
from engine.data.dataset import Dataset
from engine.data.fingerprint import changed_splits, fingerprints
from engine.data.head_spec import HeadSpec
from engine.data.task import head_for
from engine.data.tokenise import encode_training
from engine.methods import method_class, method_spec
from engine.methods.base import Method, Start
from engine.models.base import Base
from engine.runs.facts import BaseFacts, RunFacts
from engine.runs.folder import RunFolder
from engine.runs.log import cut_back
from engine.training.checkpoint import TrainingState
from engine.training.loop import Trainer
from engine.training.objective import TrainingObjective
from engine.training.optimiser import checkpoint_activations, optimiser_for, scheduler_for
from engine.training.recorder import Recorder
from engine.training.validation import Validation

LoadBase = Callable[..., Base]
"""Gives the base for what `load_base` takes; the page keeps loaded ones, the command line loads."""


def base_for(config: RunConfig, load: LoadBase) -> Base:
    """The base of a run. A model's own code runs only where the config says that its authors are trusted.

    Raises:
        ModelError: It cannot be loaded.
    """
    training = config.of_training()
    return load(config.model, training.precision, **training.loading)


def build_method(config: RunConfig, base: Base, head: HeadSpec | None = None) -> Method:
    """A fresh method with its first values, and with a task head if one is specified.

    Raises:
        SettingError: A setting does not fit the model.
    """
    start = Start.of(base, config.of_training().seed)
    method = method_class(config.method).build(config.of_method(), base.shape, start)
    return method.with_head(head, start.rng)


def start_run(path: Path, config: RunConfig, load: LoadBase, name: str = "", owner: str = "") -> Trainer:
    """Make the run folder and a trainer at step 0. Everything that can be wrong is checked before the folder is made.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used.
    """
    config = config.checked()
    config.load_data()  # its errors shall come before a model is loaded
    base = base_for(config, load)
    dataset = config.load_data(base.processor)
    training = config.of_training()
    head = head_for(training.head, training.pooling, base.shape.family, dataset, config.model)
    for rows in [dataset.rows(split) for split in ("train", "validation")]:
        if head is not None:
            for row in rows:
                head.target(row, dataset.name)
    method = build_method(config, base, head)
    folder = RunFolder.create(
        path,
        config,
        RunFacts(
            name=name or default_name(config),
            base=_base_facts(base),
            data=fingerprints(dataset),
            trainable=sum(p.numel() for p in method.parameters()),
            steps=training.steps,
            emits=[event.kind for event in method.emitted],
            layered=method.spec.layered,
            head=head,
            template=dataset.template,
            pictures=dataset.pictures,
            chips=dataset.chips,
            owner=owner,
        ),
    )
    return build_trainer(folder, base, method, dataset)


def build_trainer(folder: RunFolder, base: Base, method: Method, dataset: Dataset) -> Trainer:
    """Put the parts of a trainer together. The method is attached to its training view and moved to the base's device.

    Raises:
        WorkbenchError: A row cannot be encoded.
    """
    settings = folder.config.of_training()
    views = [base.view() for _ in range(method.passes)]
    method.attach(views[0].sites)
    if settings.gradient_checkpointing:
        checkpoint_activations(views)
    method.train()
    templated, spec = dataset.in_template(method.template), method.head.spec if method.head else None
    max_seq_len = min(settings.max_seq_len, views[0].max_text_tokens)
    examples = encode_training(base.processor, templated, templated.rows("train"), max_seq_len, spec)
    validation = Validation(base, method, templated, max_seq_len)
    accelerator = Accelerator(cpu=base.device.type == "cpu", device_placement=False)
    method.to(base.device)
    optimiser = optimiser_for(
        method, settings, settings.learning_rate or method.spec.usual_rate(method.settings, base.shape.d)
    )
    scheduler = scheduler_for(optimiser, settings)
    objective, optimiser = accelerator.prepare(TrainingObjective(method, views), optimiser)
    state = TrainingState(method, optimiser, scheduler, torch.Generator().manual_seed(settings.seed).get_state())
    recorder = Recorder(folder, base, method, dataset.template, settings.keep)
    return Trainer(settings, base, examples, objective, accelerator, state, validation, recorder)


def resume_run(folder: RunFolder, load: LoadBase, resuming: Resuming = AS_IT_WAS) -> Trainer:
    """A trainer at the newest checkpoint of a run that is not finished; at step 0 of a run that has none yet.

    A run that was killed after its last step, before it was called finished, has that left to do.

    Args:
        folder: The run's.
        load: Gives the base.
        resuming: What may be different from now on.

    Raises:
        RunError: There is nothing to resume, or the data or the base have changed and that was not accepted.
        WorkbenchError: The model or the data are gone.
    """
    facts = folder.facts()
    _refuse_finished(folder, facts)
    if resuming.training:
        folder.change_training(resuming.changed(facts.config.get("training", {})))
    config = folder.config
    base = base_for(config, load)
    dataset = config.load_data(base.processor)
    changed = _changes(folder, facts, base, dataset)
    if changed and not resuming.accept_changed:
        raise changed[0]
    trainer = build_trainer(folder, base, build_method(config, base, facts.head), dataset)
    if folder.checkpoint_paths:
        trainer.restore()
    folder.tidy()
    # A run that goes back to step 0 records that step again; a later step is recorded when it is made.
    cut_back(folder.events_path, trainer.position.step or -1)
    folder.drop_snapshots_after(trainer.position.step)
    folder.update(epoch=facts.epoch + 1, base=_base_facts(base), data=fingerprints(dataset))
    if changed:
        trainer.accept(changed)
    return trainer


def _refuse_finished(folder: RunFolder, facts: RunFacts) -> None:
    """See that there is something left to do.

    Raises:
        RunError: There is not.
    """
    config = folder.config
    ended = facts.status == "finished"
    if ended and facts.step >= config.of_training().steps:
        raise RunError(
            "run_finished", f"The run {folder.id!r} is finished: there is nothing left to do.", run=folder.id
        )
    if ended and facts.stopped_early:
        raise RunError(
            "run_stopped_early",
            f"The run {folder.id!r} is finished: patience ended it at step {facts.step}. To train longer, start "
            "it with more patience.",
            run=folder.id,
            step=facts.step,
        )


def _changes(folder: RunFolder, facts: RunFacts, base: Base, dataset: Dataset) -> list[RunError]:
    """What the run began with and does not find any more, as the errors that ask whether to go on all the same."""
    changed = list[RunError]()
    if base.fingerprint != facts.base.fingerprint:
        changed.append(other_weights(folder.id, facts.model))
    if splits := changed_splits(facts.data, dataset, ("train", "validation")):
        changed.append(data_changed(folder.id, dataset.name, splits))
    return changed


def other_weights(run: str, model: str) -> RunError:
    """The error that asks whether to use a base that is not the run's."""
    return RunError(
        "other_weights",
        f"The weights of {model!r} are not the ones that the run {run!r} began with: put them back, or go on all the "
        "same with --accept-changed.",
        run=run,
        name=model,
    )


def data_changed(run: str, name: str, splits: Sequence[str]) -> RunError:
    """The error that asks whether to use data that are not those of the run.

    Args:
        run: Its id.
        name: Of the dataset.
        splits: Those whose rows have changed.
    """
    which = ", ".join(splits)
    return RunError(
        "data_changed",
        f"The rows of {name!r} are not the ones that the run {run!r} began with ({which}): put them back, or go on all "
        "the same with --accept-changed.",
        run=run,
        name=name,
        splits=which,
    )


def check_test_rows(folder: RunFolder, dataset: Dataset) -> None:
    """See that a run's test rows are those that it began with.

    Raises:
        RunError: They are not; it asks whether to use them all the same.
    """
    if splits := changed_splits(folder.facts().data, dataset, ("test",)):
        raise data_changed(folder.id, dataset.name, splits)


def _base_facts(base: Base) -> BaseFacts:
    return BaseFacts(name=base.name, fingerprint=base.fingerprint, parameters=base.shape.parameters)


def default_name(config: RunConfig) -> str:
    """What a run is called when nobody names it."""
    return f"{method_spec(config.method).title} · {Path(config.dataset).name}"
