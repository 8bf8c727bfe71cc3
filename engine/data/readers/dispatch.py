"""From what a user names, a file, a folder of pictures or a hub dataset, to tables: one per split that is there."""

import functools
from dataclasses import replace
from pathlib import Path

from engine.data.readers.formats import has_suffix, read_file
from engine.data.readers.hub_name import HUB, HubName
from engine.data.readers.pictures import is_pictures, read_pictures
from engine.data.readers.science_qa import with_prompts
from engine.data.row_limit import RowLimit
from engine.data.settings import DataSettings
from engine.data.table import Table


def is_source(name: str) -> bool:
    """Whether a dataset's name means a file, a folder of pictures or the hub, rather than a dataset folder."""
    try:
        path = Path(name).expanduser()
        return name.startswith(HUB) or path.is_file() or is_pictures(path) or (has_suffix(path) and not path.is_dir())
    except (OSError, ValueError, RuntimeError):  # no path can be called so, or there is no such user
        return False


def read_tables(name: str, settings: DataSettings) -> dict[str, Table]:
    """The splits that are there: "train", and those that the settings or the hub name.

    Raises:
        DataError: One of them cannot be read.
    """
    path = Path(name).expanduser()
    if name.startswith(HUB):
        tables = dict(_read_hub(name, settings.limit, settings.streaming))
    elif is_pictures(path):
        tables = dict(read_pictures(path, settings))
    else:
        tables = {"train": read_file(path, settings)}
    for split, other in (("validation", settings.validation), ("test", settings.test)):
        if other.strip():
            tables[split] = _other_split(name, other.strip(), settings)
    return {split: with_prompts(table) for split, table in tables.items()}


def _other_split(name: str, other: str, settings: DataSettings) -> Table:
    """Another split: a file, or of a hub dataset the name of a split."""
    if is_source(other) or not name.startswith(HUB):
        return read_tables(other, replace(settings, validation="", test=""))["train"]
    whole = str(replace(HubName.of(name), split=other))
    return _read_hub(whole, settings.limit, settings.streaming)["train"]


@functools.lru_cache(maxsize=2)
def _read_hub(name: str, limit: RowLimit, streaming: bool) -> dict[str, Table]:
    from engine.data.readers.hub import read_hub  # noqa: PLC0415 - takes seconds, and most people never ask for it

    return read_hub(name, limit, streaming=streaming)
