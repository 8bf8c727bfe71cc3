"""Whether a run can go on as it is: what is left to do, and whether data and base are those of its beginning."""

from collections.abc import Sequence
from pathlib import Path

from engine.core.errors import RunError
from engine.data.dataset import Dataset
from engine.data.fingerprint import changed_splits
from engine.data.readers.dispatch import is_source
from engine.data.readers.hub_name import HUB
from engine.models.base import Base
from engine.runs.facts import BaseFacts, RunFacts
from engine.runs.folder import RunFolder


def refuse_finished(folder: RunFolder, facts: RunFacts, steps: int) -> None:
    """See that there is something left to do.

    Args:
        folder: The run's.
        facts: Its own.
        steps: That it shall have from now on.

    Raises:
        RunError: There is not.
    """
    ended = facts.status == "finished"
    if ended and facts.step >= steps:
        raise RunError(
            "run_finished",
            f"The run {folder.id!r} is finished: there is nothing left to do. To train longer, name more steps.",
            run=folder.id,
        )
    if ended and facts.stopped_early:
        raise RunError(
            "run_stopped_early",
            f"The run {folder.id!r} is finished: patience ended it at step {facts.step}. To train longer, start "
            "it with more patience.",
            run=folder.id,
            step=facts.step,
        )


def changes(folder: RunFolder, facts: RunFacts, base: Base, dataset: Dataset) -> list[RunError]:
    """What the run began with and does not find any more, as the errors that ask whether to go on all the same."""
    changed = base_changes(folder.id, facts.base, base)
    if splits := changed_splits(facts.data, dataset, ("train", "validation")):
        changed.append(data_changed(folder.id, dataset.name, splits))
    return changed


def base_changes(run: str, known: BaseFacts, base: Base) -> list[RunError]:
    """What of a run's base is not as it is known; runs of older versions know less of it."""
    changed = list[RunError]()
    if base.fingerprint != known.fingerprint:
        changed.append(other_weights(run, base.name))
    if _reads_otherwise(known, base):
        changed.append(other_processor(run, base.name))
    return changed


def check_processor(folder: RunFolder, base: Base) -> None:
    """See that a base reads rows as it did when a run began.

    Raises:
        RunError: It does not; it asks whether to use it all the same.
    """
    if _reads_otherwise(folder.facts().base, base):
        raise other_processor(folder.id, base.name)


def _reads_otherwise(known: BaseFacts, base: Base) -> bool:
    """Whether a base reads rows otherwise than the one that a run began with, as far as the run knows that."""
    return known.processor not in ("", base.processor_fingerprint)


def other_processor(run: str, model: str) -> RunError:
    """The error that asks whether to use a base that reads rows otherwise than when the run began."""
    return RunError(
        "other_processor",
        f"The tokenizer of {model!r} with its chat template, or its image processor, is not the one that the run "
        f"{run!r} began with: put it back, or go on all the same with --accept-changed.",
        run=run,
        name=model,
    )


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
    name = str(Path(name).expanduser().absolute()) if is_source(name) and not name.startswith(HUB) else name
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
