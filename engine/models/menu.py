"""A short menu of good first models on the hub: how large each is, under which licence, and what it is for."""

import functools
import json
from dataclasses import dataclass, field

from engine.models.resolve import ASSETS

MENU = ASSETS / "models.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class MenuModel:
    """A model of the hub that suits a first run.

    Attributes:
        name: Its hub id.
        family: Its transformers type.
        kind: "chat" answers in a chat template, "text" goes on with a text, "encoder" reads, "pictures" sees.
        parameters: Numbers in its safetensors.
        size_bytes: Of its safetensors.
        licence: As the hub names it.
        gated: Whether its terms must be accepted on the hub first.
        about: What it is for, by language.
    """

    name: str
    family: str
    kind: str
    parameters: int
    size_bytes: int
    licence: str
    gated: bool
    about: dict[str, str] = field(hash=False)


@functools.cache
def menu() -> tuple[MenuModel, ...]:
    """The menu, in the order in which it is read."""
    return tuple(MenuModel(**entry) for entry in json.loads(MENU.read_text(encoding="utf-8")))


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A model of the menu on this machine.

    Attributes:
        model: As the menu has it.
        here: Whether all of it is in the hub's cache.
        kept_bytes: Of its weights, from a download that was cancelled or broke off.
        fit: "fits", "tight" or "will not fit": its weights in the usual precision and a small first run, beside the
            memory that is free.
    """

    model: MenuModel
    here: bool
    kept_bytes: int
    fit: str
