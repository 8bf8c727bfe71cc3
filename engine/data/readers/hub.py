"""Datasets of the Hugging Face hub, through the library `datasets`.

That library takes seconds to load, so this module is imported only when someone asks for a hub dataset.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import datasets
from datasets.exceptions import DatasetNotFoundError
from huggingface_hub import constants

from engine.core.errors import DataError
from engine.data.readers.arrow_files import from_arrow
from engine.data.readers.hub_name import HubName
from engine.data.row_limit import RowLimit
from engine.data.row_sample import rows_of
from engine.data.table import Table, TableMaker
from engine.models.resolve import hub_reachable, hub_trouble

SPLITS = {
    "train": ("train",),
    "validation": ("validation", "valid", "dev", "validation_matched"),
    "test": ("test", "heldout"),
}
"""What the workbench's splits are called there, likeliest first."""

MIXED = 10_000
"""Rows of a long stream among which each next one is chosen."""


def read_hub(name: str, limit: RowLimit, *, streaming: bool) -> dict[str, Table]:
    """The splits of a hub dataset by the workbench's names; a split that is named alone becomes "train".

    Raises:
        DataError: It is not there, cannot be reached, or needs another name.
    """
    wanted = HubName.of(name)
    try:
        _need_hub(wanted)
        loaded = datasets.load_dataset(wanted.path, wanted.config, split=wanted.split, streaming=streaming)
        if wanted.split is not None:
            return {"train": _table(name, loaded, limit)}
        splits = _splits(wanted, list(loaded))
        return {ours: _table(f"{name} ({theirs})", loaded[theirs], limit) for ours, theirs in splits.items()}
    except (DatasetNotFoundError, ConnectionError, FileNotFoundError) as error:
        if status := hub_trouble(error):
            raise _trouble(wanted, status) from error
        if isinstance(error, ConnectionError):
            raise _unreachable(wanted) from error
        raise DataError(
            "hub_missing",
            f"The dataset {wanted.path} is not on this machine and the hub did not answer or does not know it: check "
            "the name and the network (and HF_TOKEN if it is gated), or give the path of a file.",
            name=wanted.path,
        ) from error
    except (ValueError, RuntimeError, OSError, datasets.exceptions.DatasetsError) as error:
        if status := hub_trouble(error):
            raise _trouble(wanted, status) from error
        reason = str(error).strip().replace("\n", " ")[:300] or type(error).__name__
        raise DataError(
            "hub_refused",
            f"The dataset {wanted.path} cannot be read: {reason}. Name a config and a split as in "
            f"hub:{wanted.path}:CONFIG:SPLIT, or download a file of it and give its path.",
            name=wanted.path,
            reason=reason,
        ) from error


def _trouble(wanted: HubName, status: int) -> DataError:
    return DataError(
        "hub_trouble",
        f"The hub answered {status} when it was asked for {wanted.path!r}: that is the hub's trouble; try again in "
        "some minutes, or give the path of a file.",
        name=wanted.path,
        status=status,
    )


def _unreachable(wanted: HubName) -> DataError:
    return DataError(
        "hub_unreachable",
        f"The dataset {wanted.path} is not on this machine and the hub cannot be reached: check the network and that "
        "HF_HUB_OFFLINE is not set, or give the path of a file.",
        name=wanted.path,
    )


def _need_hub(wanted: HubName) -> None:
    """Ask once whether the hub can be reached, unless the data is here already: its own client tries for half a minute.

    Raises:
        ConnectionError: It is neither here nor can it be fetched.
    """
    kept = Path(datasets.config.HF_DATASETS_CACHE) / wanted.path.lower().replace("/", "___")
    fetched = Path(constants.HF_HUB_CACHE) / f"datasets--{wanted.path.replace('/', '--')}"
    if not kept.exists() and not fetched.exists() and not hub_reachable():
        raise ConnectionError(constants.ENDPOINT)


def _splits(wanted: HubName, known: list[str]) -> dict[str, str]:
    """What each of the workbench's splits is called there.

    Raises:
        DataError: None of them is for training.
    """
    splits = {ours: theirs for ours, names in SPLITS.items() for theirs in names[::-1] if theirs in known}
    if "train" not in splits:
        raise DataError(
            "hub_split",
            f"The hub dataset {wanted.path} has no split called train: name one of {', '.join(known)} as in "
            f"hub:{wanted.path}:{wanted.config or ''}:{next(iter(known), 'test')}.",
            name=wanted.path,
            known=", ".join(known),
        )
    return splits


def _streamed(name: str, loaded: datasets.IterableDataset, limit: RowLimit) -> tuple[TableMaker, bool]:
    """The rows of a stream, and whether there are more. Of a long one nobody waits for the end: its parts are mixed."""
    known = (loaded.info.splits or {}).get(str(loaded.split))
    if known is None or known.num_examples <= limit.rows:
        maker = _collected(name, islice(loaded, limit.rows + 1), limit)
        if not maker.cut:
            return maker, False
    mixed = loaded.shuffle(seed=limit.seed, buffer_size=MIXED)
    return _collected(name, islice(mixed, limit.rows), limit), True


def _collected(name: str, rows: Iterable[dict[str, Any]], limit: RowLimit) -> TableMaker:
    maker = TableMaker(name, limit)
    for number, row in enumerate(rows, 1):
        if maker.wants():
            maker.add(row, partial(int, number))
    return maker


def _table(name: str, loaded: Any, limit: RowLimit) -> Table:  # noqa: ANN401 - Dataset, or IterableDataset when streaming
    names = {
        column: tuple(feature.names)
        for column, feature in (loaded.features or {}).items()
        if isinstance(feature, datasets.ClassLabel)
    }
    if isinstance(loaded, datasets.IterableDataset):
        maker, more = _streamed(name, loaded, limit)
        return replace(maker.table(label_names=names), cut=more)
    rows = rows_of(len(loaded), limit)
    cut = len(rows) < len(loaded)
    data = (loaded.select(rows) if cut else loaded).with_format("arrow")[:]
    return from_arrow(name, data, rows if cut else None)
