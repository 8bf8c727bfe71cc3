"""One's own data as the form holds it: the dataset's name, and the settings that differ from what would be guessed."""

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from app.markup import note, safe
from app.words import Say
from engine.core.errors import SettingError
from engine.core.types import Inspection
from engine.data.readers.dispatch import is_source
from engine.data.readers.formats import suffixes
from engine.data.readers.hub_name import HUB
from engine.data.readers.zips import inner, unpack
from engine.data.settings import DataSettings

DATA = "data"
"""Folder below the workbench's own for what was uploaded."""

OWN = "own"
"""What the menu of data holds when it is none that ships."""

FIELDS = list(DataSettings.fields())
MAPPED = ("prompt", "input", "response", "messages")
"""Settings whose value is a column."""

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def dataset_name(name: str, config: str, split: str) -> str:
    """The name of a dataset in a run: a path, or `hub:owner/name[:config[:split]]`; `hub:` may be left out."""
    name = name.strip().strip("\"'")
    hub_like = HUB_ID.fullmatch(name) and not name.lower().endswith(suffixes()) and not Path(name).exists()
    if not name.startswith(HUB) and not hub_like:
        return name
    path, told_config, told_split = [*name.removeprefix(HUB).split(":", 2), "", ""][:3]
    return f"{HUB}{path}:{config.strip() or told_config}:{split.strip() or told_split}".rstrip(":")


def parts_of(dataset: str) -> tuple[str, str, str]:
    """Name, config and split as they stand in their fields."""
    if not dataset.startswith(HUB):
        return dataset, "", ""
    path, config, split = [*dataset.removeprefix(HUB).split(":", 2), "", ""][:3]
    return HUB + path, config, split


def is_hub(name: str) -> bool:
    """Whether a name that somebody typed means the hub."""
    return dataset_name(name, "", "").startswith(HUB)


def confine(home: Path, dataset: str, others: Iterable[str] = ()) -> None:
    """See that a page which anybody may open, as on a Space, reads no file of its server but what was uploaded to it.

    Args:
        home: The workbench's folder.
        dataset: Name of one's own data.
        others: Files for validation and scoring, or splits of a hub dataset, or empty.

    Raises:
        SettingError: One of them is another file.
    """
    if not os.environ.get("SPACE_ID"):
        return
    files = [] if dataset.startswith(HUB) else [dataset]
    files += [name for name in others if not name.startswith(HUB) and (files or is_source(name)) and name.strip()]
    for name in files:
        if not Path(name).expanduser().resolve().is_relative_to((home / DATA).resolve()):
            raise SettingError(
                "file_of_server",
                f"The file {name!r} lies on the server that everybody shares: upload yours, or name a hub dataset.",
                name=name,
            )


def settings_of(values: Mapping[str, Any], guess: Mapping[str, str]) -> dict[str, Any]:
    """The settings of a run.

    What equals the guess is left to be guessed again, since a guess also knows the kind of the data, as Alpaca's.

    Args:
        values: What the form holds, by setting; columns that are asked as a list.
        guess: The engine's, see `Inspection`; empty where there is none.
    """
    found = {**values, "prompt": ", ".join(values["prompt"] or [])}
    found |= {name: str(found[name] or "") for name in MAPPED}
    if all(found[name] == guess.get(name, "") for name in MAPPED):
        found |= dict.fromkeys(MAPPED, "")
    if found["template"] != "own":
        found["own_template"] = ""
    return found


def listed(prompt: str, columns: Mapping[str, str]) -> list[str]:
    """The columns that the setting `prompt` names; a name with a comma in it counts when it stands alone."""
    if prompt.strip() in columns:
        return [prompt.strip()]
    return [name.strip() for name in prompt.split(",") if name.strip()]


def kept(home: Path, upload: Path) -> Path:
    """A copy of an uploaded file that stays as long as the runs do; the same file is kept once. A zip is unpacked.

    Args:
        home: The workbench's folder.
        upload: Where the page put the file; it checks that nobody names another.

    Raises:
        DataError: A zip cannot be unpacked.
    """
    with upload.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    if upload.suffix.lower() == ".zip":
        folder = home / DATA / digest / (upload.stem or "pictures")
        folder.parent.mkdir(parents=True, exist_ok=True)
        return inner(folder) if folder.exists() else unpack(upload, folder)
    target = home / DATA / digest / upload.name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partly = target.with_name(f".{upload.name}.part")
        shutil.copyfile(upload, partly)
        partly.replace(target)
    return target


def looked(say: Say, found: Inspection) -> str:
    """The columns with what stands in them, and how sure the guess is."""
    if found.pictures:
        return note(say("data.pictures.cut" if found.cut else "data.pictures", n=f"{found.rows:,}"))
    if not found.columns:
        return note(say("data.described"))
    guessed = "sure" if found.sure else "unsure" if any(found.guess.values()) else "no_guess"
    cells = "".join(
        f"<div><dt>{safe(name)}</dt><dd>{safe(first) or safe(say('data.none'))}</dd></div>"
        for name, first in found.columns.items()
    )
    head = say("data.reading_cut" if found.cut else "data.reading", rows=f"{found.rows:,}")
    return (
        f'<p class="gl-fact">{head}</p><dl class="gl-columns">{cells}</dl>'
        f'<p class="gl-guess" data-guess="{guessed}">{say(f"data.{guessed}")}</p>'
    )
