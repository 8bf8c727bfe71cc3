"""One's own data as the form holds it: the dataset's name, and the settings that differ from what would be guessed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from app.markup import note, safe
from app.words import Say
from engine.core.confine import named_path
from engine.core.errors import SettingError
from engine.data.info import Inspection
from engine.data.readers.formats import suffixes
from engine.data.readers.hub_name import HUB
from engine.data.settings import DataSettings

CHOICE = "own"
"""What the menu of data holds when it is none that ships."""

FIELDS = list(DataSettings.fields())
MAPPED = ("prompt", "input", "response", "messages")
"""Settings whose value is a column."""

LOOK_SETTINGS = ("row_limit", "encoding", "streaming")
"""Settings that decide what is read; the others decide what is made of it."""

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def dataset_name(name: str, config: str, split: str) -> str:
    """The name of a dataset in a run: a path, or `hub:owner/name[:config[:split]]`; `hub:` may be left out."""
    name = name.strip().strip("\"'")
    hub_like = HUB_ID.fullmatch(name) and not name.lower().endswith(suffixes()) and not named_path(name).exists()
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


class LastRead(TypedDict, total=False):
    """What was read last, as a session keeps it; empty before anything was.

    Attributes:
        name: Of the dataset; empty while another one is being read.
        how: The settings of `LOOK_SETTINGS` at that time.
        columns: With their first cells.
        guess: The engine's, see `Inspection`.
        pictures: Whether it is pictures.
    """

    name: str
    how: dict[str, Any]
    columns: dict[str, str]
    guess: dict[str, str]
    pictures: bool


@dataclass(frozen=True, kw_only=True)
class UserDataValues:
    """The fields of one's own data as somebody filled them.

    Attributes:
        name: A path, or a hub dataset.
        config: Of a hub dataset.
        split: The same.
        last_read: See there.
        settings: By name; columns that are asked as a list.
    """

    name: str
    config: str
    split: str
    last_read: LastRead
    settings: dict[str, Any]

    @property
    def dataset(self) -> str:
        """The name of the dataset in a run; empty when none was named."""
        return dataset_name(self.name, self.config, self.split)

    @property
    def unread(self) -> bool:
        """Whether data is named that was not read yet."""
        return bool(self.dataset) and self.dataset != self.last_read.get("name")

    @property
    def how(self) -> dict[str, Any]:
        """The settings that decide what is read."""
        return {name: self.settings[name] for name in LOOK_SETTINGS}

    @property
    def mapping(self) -> dict[str, Any]:
        """Which column is what."""
        return {name: self.settings[name] for name in MAPPED}


def chosen(form: UserDataValues) -> tuple[str, dict[str, Any]]:
    """Name and settings of one's own data in a run.

    Raises:
        SettingError: Nothing is chosen yet.
    """
    dataset = form.dataset
    if not dataset:
        raise SettingError("no_data_chosen", "Your own data is empty: upload a file, or name one or a hub dataset.")
    guess = form.last_read.get("guess", {}) if form.last_read.get("name") == dataset else {}
    settings = settings_of(form.settings, guess)
    return dataset, settings


def settings_of(values: Mapping[str, Any], guess: Mapping[str, str]) -> dict[str, Any]:
    """The settings of a run.

    What equals the guess is left to be guessed again, since a guess also knows the kind of the data, as Alpaca's.

    Args:
        values: What the form holds, by setting; columns that are asked as a list.
        guess: The engine's, see `Inspection`; empty where there is none.
    """
    columns = values["prompt"] or []
    settings = {**values, "prompt": ", ".join(map(str, columns)) if isinstance(columns, list) else str(columns)}
    settings |= {name: str(settings[name] or "") for name in MAPPED}
    if all(settings[name] == guess.get(name, "") for name in MAPPED):
        settings |= dict.fromkeys(MAPPED, "")
    if settings["template"] != "own":
        settings["own_template"] = ""
    return settings


def listed(prompt: str, columns: Mapping[str, str]) -> list[str]:
    """The columns that the setting `prompt` names; a name with a comma in it counts when it stands alone."""
    if prompt.strip() in columns:
        return [prompt.strip()]
    return [name.strip() for name in prompt.split(",") if name.strip()]


def described(say: Say, look: Inspection) -> str:
    """The columns with what stands in them, and how sure the guess is."""
    if look.pictures:
        return note(say("data.pictures.cut" if look.cut else "data.pictures", n=f"{look.rows:,}"))
    if not look.columns:
        return note(say("data.described"))
    guessed = "sure" if look.sure else "unsure" if any(look.guess.values()) else "no_guess"
    cells = "".join(
        f"<div><dt>{safe(name)}</dt><dd>{safe(first) or safe(say('data.none'))}</dd></div>"
        for name, first in look.columns.items()
    )
    head = say("data.reading_cut" if look.cut else "data.reading", rows=f"{look.rows:,}")
    return (
        f'<p class="gl-fact">{head}</p><dl class="gl-own-columns">{cells}</dl>'
        f'<p class="gl-guess" data-guess="{guessed}">{say(f"data.{guessed}")}</p>'
    )
