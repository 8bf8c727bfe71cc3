"""Datasets of the Hugging Face hub, through the library `datasets`: `hub:owner/name[:config[:split]]`.

Loads torch's neighbours, so it is imported only when someone asks for a hub dataset.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import datasets
from datasets.exceptions import DatasetNotFoundError
from huggingface_hub import constants

from engine.core.errors import DataError
from engine.data.readers.arrow_files import from_arrow
from engine.data.table import Table, TableMaker
from engine.models.resolve import hub_reachable

PREFIX = "hub:"
SPLITS = {
    "train": ("train",),
    "validation": ("validation", "valid", "dev", "validation_matched"),
    "test": ("test", "heldout"),
}
"""What the workbench's splits are called there, likeliest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HubName:
    """The parts of a hub id."""

    path: str
    config: str | None
    split: str | None

    @classmethod
    def of(cls, name: str) -> Self:
        """Read `hub:owner/name[:config[:split]]`; an empty config is the only one there is.

        Raises:
            DataError: It has another form.
        """
        parts = name.removeprefix(PREFIX).split(":")
        if not 1 <= len(parts) <= 3 or not parts[0].strip() or parts[0].count("/") > 1:
            raise DataError(
                "bad_hub_name",
                f"{name!r} is no hub dataset: write hub:owner/name, and if needed :config and :split behind it.",
                name=name,
            )
        path, config, split = [*parts, "", ""][:3]
        return cls(path=path.strip(), config=config.strip() or None, split=split.strip() or None)


def read_hub(name: str, limit: int, *, streaming: bool) -> dict[str, Table]:
    """The splits of a hub dataset by the workbench's names; a split that is named alone becomes "train".

    Raises:
        DataError: It is not there, cannot be reached, or needs another name.
    """
    wanted = HubName.of(name)
    try:
        _need_hub(wanted)
        found = datasets.load_dataset(wanted.path, wanted.config, split=wanted.split, streaming=streaming)
        if wanted.split is not None:
            return {"train": _table(name, found, limit)}
        parts = {ours: theirs for ours, names in SPLITS.items() for theirs in names[::-1] if theirs in found}
        if "train" not in parts:
            raise DataError(
                "hub_split",
                f"The hub dataset {wanted.path} has no split called train: name one of {', '.join(found)} as in "
                f"hub:{wanted.path}:{wanted.config or ''}:{next(iter(found), 'test')}.",
                name=wanted.path,
                known=", ".join(found),
            )
        return {ours: _table(f"{name} ({theirs})", found[theirs], limit) for ours, theirs in parts.items()}
    except (DatasetNotFoundError, ConnectionError, FileNotFoundError) as error:
        raise DataError(
            "hub_missing",
            f"The dataset {wanted.path} is not on this machine and the hub did not answer or does not know it: check "
            "the name and the network (and HF_TOKEN if it is gated), or give the path of a file.",
            name=wanted.path,
        ) from error
    except (ValueError, RuntimeError, OSError, datasets.exceptions.DatasetsError) as error:
        reason = str(error).strip().replace("\n", " ")[:300] or type(error).__name__
        raise DataError(
            "hub_refused",
            f"The dataset {wanted.path} cannot be read: {reason}. Name a config and a split as in "
            f"hub:{wanted.path}:CONFIG:SPLIT, or download a file of it and give its path.",
            name=wanted.path,
            reason=reason,
        ) from error


def _need_hub(wanted: HubName) -> None:
    """Ask once whether the hub can be reached, unless the data is here already: its own client tries for half a minute.

    Raises:
        ConnectionError: It is neither here nor can it be fetched.
    """
    kept = Path(datasets.config.HF_DATASETS_CACHE) / wanted.path.lower().replace("/", "___")
    fetched = Path(constants.HF_HUB_CACHE) / f"datasets--{wanted.path.replace('/', '--')}"
    if not kept.exists() and not fetched.exists() and not hub_reachable():
        raise ConnectionError(constants.ENDPOINT)


def _table(name: str, found: Any, limit: int) -> Table:  # noqa: ANN401 - Dataset, or IterableDataset when streaming
    names = {
        column: tuple(feature.names)
        for column, feature in (found.features or {}).items()
        if isinstance(feature, datasets.ClassLabel)
    }
    if isinstance(found, datasets.IterableDataset):
        maker = TableMaker(name, limit)
        for number, row in enumerate(found, 1):
            if maker.full:
                maker.cut = True
                break
            maker.add(row, partial(int, number))
        return maker.table(label_names=names)
    data = found.with_format("arrow")[:limit]
    return from_arrow(name, data, cut=len(found) > limit)
