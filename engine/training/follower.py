"""What every process but the first one does: it lends its gradients to the run that process 0 trains."""

from collections.abc import Iterator
from contextlib import suppress

from engine.core.allocator import freed_memory_kept
from engine.core.errors import RunError
from engine.data.dataset import Dataset
from engine.data.fingerprint import changed_splits
from engine.data.tokenise import Example
from engine.methods.base import Method
from engine.models.base import Base
from engine.training.gradient_worker import GradientWorker, Plan, build_gradient_worker
from engine.training.gradients import Step
from engine.training.launch import LoadBase, base_for, build_method
from engine.training.processes import Processes
from engine.training.run_changes import base_changes, data_changed
from engine.training.sharing import unpacked


def follow(processes: Processes, load: LoadBase) -> None:
    """Work until process 0 has nothing more to do. What cannot be loaded here ends the run there, with its sentence.

    Raises:
        WorkbenchError: This process failed, or another one.
    """
    plan: Plan | None = processes.hear()
    if plan is None:
        return
    try:
        _help(plan, processes, load)
    except Exception:
        with suppress(RunError):
            processes.hear()  # that the run has ended, wherever it failed
        raise


def _help(plan: Plan, processes: Processes, load: LoadBase) -> None:
    with processes.together():
        base, method, dataset = _loaded(plan, load)
    processes.split(base)
    with processes.together():
        settings = plan.config.of_training()
        worker = build_gradient_worker(settings, base, method, dataset, processes, plan.sorted_batches)
    with freed_memory_kept():
        _lend(worker, processes)


def _lend(worker: GradientWorker, processes: Processes) -> None:
    """Make the gradients of one step after another, as process 0 asks for them."""
    rows: Iterator[list[Example]] = iter(())
    expected = -1
    while (step := processes.hear()) is not None:
        assert isinstance(step, Step)
        if step.number != expected:
            rows = worker.batches(step.number)
        worker.gradients.of(next(rows), step)
        worker.gradients.clear()
        expected = step.number + 1


def _loaded(plan: Plan, load: LoadBase) -> tuple[Base, Method, Dataset]:
    """The same base, method and data as in process 0. Of a base that is split, process 0 alone reads the files.

    Raises:
        WorkbenchError: Something cannot be loaded, or is not the same.
    """
    if plan.packed is None:
        base = base_for(plan.config, load)
        if changed := base_changes(plan.run, plan.base, base):
            raise changed[0]
        method = build_method(plan.config, base, plan.head)
    else:
        base, method = unpacked(plan.packed)
    dataset = plan.config.load_data(base.processor)
    if splits := changed_splits(plan.data, dataset, ("train",)):
        raise data_changed(plan.run, dataset.name, splits)
    return base, method, dataset
