"""From a config to a trainer at step 0, and from a run folder to one that goes on."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from accelerate import Accelerator

from engine.config.resuming import AS_IT_WAS, Resuming
from engine.config.run import RunConfig
from engine.config.training import TrainingSettings
from engine.core.errors import RunError, SettingError
from engine.data.batching import sorted_batches
from engine.data.dataset import Dataset
from engine.data.fingerprint import fingerprints
from engine.data.head_spec import HeadSpec
from engine.data.task import head_for
from engine.methods import method_class
from engine.methods.base import Method, Start
from engine.models.base import Base
from engine.models.loading import DTYPES, resolve_device, resolve_precision
from engine.runs.facts import BaseFacts, RunFacts
from engine.runs.folder import RunFolder
from engine.runs.log import cut_back
from engine.runs.scan import default_name
from engine.training.checkpoint import TrainingState
from engine.training.gradient_worker import Plan, build_gradient_worker, lead
from engine.training.kept_score import kept_score
from engine.training.launcher import is_launched
from engine.training.loop import Trainer
from engine.training.optimiser import optimiser_for, scheduler_for
from engine.training.processes import Processes
from engine.training.recorder import Recorder
from engine.training.run_changes import changes, refuse_finished
from engine.training.validation import Validation

LoadBase = Callable[..., Base]
"""Gives the base for what `load_base` takes; the page keeps loaded ones, the command line loads."""


ALONE = Processes()


def base_for(config: RunConfig, load: LoadBase, processes: Processes = ALONE) -> Base:
    """The base of a run. A model's own code runs only where the config says that its authors are trusted.

    A base that is split over processes comes into this machine's memory first: it need not fit into one GPU.

    Raises:
        ModelError: It cannot be loaded.
        RunError: It is to be split, and is quantised.
    """
    training = config.of_training()
    if not processes.sharded:
        return load(config.model, training.precision, **training.loading)
    device = resolve_device(training.device)
    precision = resolve_precision(training.precision, device)
    loading = training.loading if device == "cpu" else {**training.loading, "device": "cpu"}
    if precision in DTYPES:
        base = load(config.model, precision, **loading)
        precision = base.precision
    if precision not in DTYPES:
        raise RunError(
            "sharded_quantised",
            f"precision is {precision!r}, and a base in {precision} cannot be split over processes: choose bf16, fp16 "
            "or fp32, or take an Accelerate config with distributed_type MULTI_GPU or MULTI_CPU.",
            field="precision",
            value=precision,
        )
    return base


def build_method(config: RunConfig, base: Base, head: HeadSpec | None = None) -> Method:
    """A fresh method with its first values, and with a task head if one is specified.

    Raises:
        SettingError: A setting does not fit the model.
    """
    start = Start.of(base, config.of_training().seed)
    method = method_class(config.method).build(config.of_method(), base.shape, start)
    return method.with_head(head, start.rng)


def start_run(
    path: Path,
    config: RunConfig,
    load: LoadBase,
    name: str = "",
    owner: str = "",
    tags: Sequence[str] = (),
    processes: Processes = ALONE,
) -> Trainer:
    """Make the run folder and a trainer at step 0. Everything that can be wrong is checked before the folder is made.

    Args:
        path: Of the run folder.
        config: The run's; settings of the method that it leaves open are as they suit the size of the base.
        load: Gives the base.
        name: Of the run; empty for one made from the method and the dataset.
        owner: Whose run it is.
        tags: Words that it is found by.
        processes: Those that train it together; this one is the first.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used, or the config names more processes.
    """
    asked = config.checked().of_training()
    if asked.accelerate_config and not is_launched():
        raise SettingError(
            "accelerate_elsewhere",
            f"accelerate_config is {asked.accelerate_config!r}, but this is one process: start the run from the page "
            "or the command line, or leave it empty.",
            field="accelerate_config",
            value=asked.accelerate_config,
        )
    wanted = 1 if asked.accelerate_config else asked.processes
    if processes.alone and wanted > 1:
        raise SettingError(
            "processes_elsewhere",
            f"processes is {wanted}, but this is one process: start the run from the command line or the page, or set "
            "processes to 1.",
            field="processes",
            value=wanted,
        )
    if not processes.alone:
        config = replace(config, training={**config.training, "processes": processes.count})
    return build_trainer(*_made(path, config, load, name, owner, tags, processes), processes)


def make_run(
    path: Path, config: RunConfig, load: LoadBase, name: str = "", owner: str = "", tags: Sequence[str] = ()
) -> RunFolder:
    """As `start_run`, for a run that other processes train: it is theirs to resume before its first step.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used.
    """
    return _made(path, config, load, name, owner, tags, ALONE)[0]


def _made(
    path: Path,
    config: RunConfig,
    load: LoadBase,
    name: str,
    owner: str,
    tags: Sequence[str],
    processes: Processes,
) -> tuple[RunFolder, Base, Method, Dataset]:
    config = config.checked()
    config.load_data()  # its errors shall come before a model is loaded
    base = base_for(config, load, processes)
    config = config.sized(base.shape)  # here and nowhere later: a run that exists means what its files say
    dataset = config.load_data(base.processor)
    training = config.of_training()
    head = head_for(
        training.head,
        training.pooling,
        base.shape.family,
        dataset,
        config.model,
        training.span,
        token_types=training.token_types,
    )
    for rows in [dataset.rows(split) for split in ("train", "validation")]:
        if head is not None and not head.span:
            for row in rows:
                head.target(row, dataset.name)
    method = build_method(config, base, head)
    together = sorted_batches(len(dataset.rows("train")), training.batch_size)
    plan = Plan(path.name, config, head, _base_facts(base), fingerprints(dataset), together)
    lead(processes, plan, base, method)
    folder = RunFolder.create(
        path,
        config,
        RunFacts(
            name=name or default_name(config),
            base=_base_facts(base),
            data=fingerprints(dataset),
            trainable=sum(p.numel() for p in method.parameters()),
            steps=training.steps,
            learning_rate=_rate(training, method, base),
            emits=[event.kind for event in method.emitted],
            layered=method.spec.layered,
            head=head,
            template=dataset.template,
            pictures=dataset.pictures,
            chips=dataset.chips,
            owner=owner,
            sorted_batches=together,
            tags=list(tags),
        ),
    )
    return folder, base, method, dataset


def build_trainer(
    folder: RunFolder, base: Base, method: Method, dataset: Dataset, processes: Processes = ALONE
) -> Trainer:
    """Put the parts of a trainer together. The method is attached to its training view and moved to the base's device.

    Raises:
        WorkbenchError: A row cannot be encoded.
    """
    settings = folder.config.of_training()
    worker = build_gradient_worker(settings, base, method, dataset, processes, folder.facts().sorted_batches)
    validation = Validation(base, method, dataset.in_template(method.template), worker.max_seq_len)
    accelerator = Accelerator(cpu=base.device.type == "cpu", device_placement=False)
    rate = settings.learning_rate or folder.facts().learning_rate or _rate(settings, method, base)
    optimiser = optimiser_for(method, settings, rate)
    scheduler = scheduler_for(optimiser, settings)
    optimiser = accelerator.prepare(optimiser)
    state = TrainingState(method, optimiser, scheduler, torch.Generator().manual_seed(settings.seed).get_state())
    recorder = Recorder(folder, base, method, dataset.template, settings.keep)
    score = functools.partial(kept_score.parts, folder, base, dataset, settings.score_rows)
    return Trainer(worker, base, state, validation, recorder, score)


def resume_run(
    folder: RunFolder, load: LoadBase, resuming: Resuming = AS_IT_WAS, processes: Processes = ALONE
) -> Trainer:
    """A trainer at the newest checkpoint of a run that is not finished; at step 0 of a run that has none yet.

    A run that was killed after its last step, before it was called finished, has that left to do.

    Args:
        folder: The run's.
        load: Gives the base.
        resuming: What may be different from now on.
        processes: Those that train it together, of whatever number trained it before; this one is the first.

    Raises:
        RunError: There is nothing to resume, or the data or the base have changed and that was not accepted.
        WorkbenchError: The model or the data are gone.
    """
    facts = folder.facts()
    training, before = facts.config.get("training", {}), folder.config.of_training().steps
    changed_training = {**resuming.changed(training), "processes": processes.count}
    steps = TrainingSettings.from_dict(changed_training).steps
    refuse_finished(folder, facts, steps)
    if changed_training != {"processes": 1, **training}:
        folder.change_training(changed_training)
    if steps > before:
        folder.update(steps=steps, score=None)  # the score is of a state that will not stay
    config = folder.config
    base = base_for(config, load, processes)
    dataset = config.load_data(base.processor)
    changed = changes(folder, facts, base, dataset)
    if changed and not resuming.accept_changed:
        raise changed[0]
    method = build_method(config, base, facts.head)
    plan = Plan(folder.id, config, facts.head, _base_facts(base), fingerprints(dataset), facts.sorted_batches)
    lead(processes, plan, base, method)
    trainer = build_trainer(folder, base, method, dataset, processes)
    if folder.checkpoint_paths:
        trainer.restore()
    if steps > before:
        step = trainer.position.step
        trainer.remark(f"From step {step} on the learning rate follows the schedule of {steps} steps.")
    folder.tidy()
    # A run that goes back to step 0 records that step again; a later step is recorded when it is made.
    cut_back(folder.events_path, trainer.position.step or -1)
    folder.drop_snapshots_after(trainer.position.step)
    folder.update(epoch=facts.epoch + 1, base=_base_facts(base), data=fingerprints(dataset))
    if changed:
        trainer.accept(changed)
    return trainer


def _base_facts(base: Base) -> BaseFacts:
    return BaseFacts(
        name=base.name,
        fingerprint=base.fingerprint,
        parameters=base.shape.parameters,
        processor=base.processor_fingerprint,
    )


def _rate(settings: TrainingSettings, method: Method, base: Base) -> float:
    """The highest learning rate: the one that is set, or the one that suits the method."""
    return settings.learning_rate or method.spec.usual_rate(method.settings, base.shape.d)
