"""Checks before and after a model is loaded. Pickled weights can run code, so they are read on request only."""

import re
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import constants
from safetensors import SafetensorError, safe_open

from engine.core.confine import named_path, plain_folder
from engine.core.errors import ModelError
from engine.core.plain_json import loads
from engine.models.families import family_in_gguf, family_of
from engine.models.gguf_file import gguf_facts, is_gguf
from engine.models.hub_errors import missing_model, offline, pickled_weights
from engine.models.load_errors import corrupt_file, first_line, unreadable_folder
from engine.models.resolve import hub_reachable, local_folder, locate, ships

PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")


def check_hub(name: str) -> None:
    """Ask once whether the hub can be reached, where it is needed: its own client tries for half a minute.

    Raises:
        ModelError: The model is neither here nor can it be fetched.
        SettingError: The name is a path that cannot be used, or something in that folder could hang its reader.
    """
    path = Path(locate(name)) if ships(name) else named_path(name)
    if (folder := local_folder(name)) is not None:
        if not is_gguf(name):
            plain_folder(folder)
        return
    if path.is_absolute() or name.startswith(".") or not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name):
        raise missing_model(name)
    if constants.HF_HUB_OFFLINE:
        raise offline(name)
    if not hub_reachable():
        raise missing_model(name)


def check_family(name: str) -> None:
    """Look whether a model on this machine is of a known family, before transformers stumbles over its config.

    Raises:
        ModelError: It is not. One that brings code of its own is left to transformers.
    """
    folder = local_folder(name)
    if folder is not None and is_gguf(name):
        family_of(family_in_gguf(gguf_facts(name).architecture))
        return
    try:
        config = loads((folder / "config.json").read_text(encoding="utf-8")) if folder else {}
    except (OSError, ValueError):
        return
    if isinstance(config, dict) and "model_type" in config and "auto_map" not in config:
        family_of(str(config["model_type"]))


def check_weights(name: str, *, pickled: bool = False) -> None:
    """Look at the weight files that are on this machine before they are loaded: are they there, safe and whole?

    Args:
        name: The model.
        pickled: Whether the user wants pickles read. Torch then takes nothing but tensors out of them.

    Raises:
        ModelError: They are not.
    """
    folder = local_folder(name)
    if folder is None or is_gguf(name):  # the header of such a file was read before
        return
    if folder.is_file():
        raise unreadable_folder(name, "it is a file, not a folder")
    files = sorted(folder.glob("*.safetensors"))
    if not files and not pickled and any(any(folder.glob(pattern)) for pattern in PICKLES):
        raise pickled_weights(name)
    index = folder / "model.safetensors.index.json"
    wanted = set(loads(index.read_text(encoding="utf-8"))["weight_map"].values()) if index.exists() else set()
    for file in sorted({folder / part for part in wanted} | set(files)):
        if not file.exists():
            raise corrupt_file(name, file.name, "it is missing")
        try:
            with safe_open(file, framework="pt"):
                pass
        except SafetensorError as error:
            raise corrupt_file(name, file.name, first_line(error)) from error


def check_missing_weights(name: str, missing: Sequence[str]) -> None:
    """Refuse a model whose file lacks weights, which would be random numbers.

    Args:
        name: The model.
        missing: Weights that the file lacks and the model cannot do without.

    Raises:
        ModelError: There are some.
    """
    if missing:
        raise ModelError(
            "model_incomplete",
            f"The file of the model {name!r} lacks weights that it needs ({len(missing)}, the first is {missing[0]}): "
            "choose the whole model, such as a causal language model with its head, or fetch it again.",
            name=name,
            count=len(missing),
            first=missing[0],
        )
