"""How large a model or a dataset of the hub is, asked of its description before any of it is fetched."""

import functools
from pathlib import Path
from typing import Literal

import huggingface_hub
from huggingface_hub import constants

from engine.core.errors import SettingError
from engine.models.hub_errors import in_trouble
from engine.models.resolve import HUB_TIMEOUT_S, hub_token, local_folder

Kind = Literal["model", "dataset"]
MB = 1e6
READ_OF_A_MODEL = (".safetensors", ".json", ".txt", ".model")
"""Ends of the names of files that are fetched of a model; of a dataset it may be all."""


def check_size(name: str, kind: Kind, most_bytes: int | None) -> None:
    """See that what is on the hub, and not on this machine yet, is small enough to be fetched.

    Args:
        name: The hub id.
        kind: What it is.
        most_bytes: That it may have; None for any number.

    Raises:
        SettingError: It has more, or its size is not known.
        ModelError: The hub is not available right now.
    """
    if most_bytes is None or _is_here(name, kind):
        return
    try:
        octets = _size(name, kind)
    except (OSError, ValueError, RuntimeError) as reason:
        raise in_trouble(name, reason) or _unknown(name) from reason
    if octets is None:
        raise _unknown(name)
    check_bytes(name, octets, most_bytes)


def check_bytes(name: str, octets: int, most_bytes: int | None) -> None:
    """See that so many bytes may be fetched.

    Raises:
        SettingError: They are more than that.
    """
    if most_bytes is not None and octets > most_bytes:
        size, limit = f"{octets / MB:,.0f}", f"{most_bytes / MB:,.0f}"
        text = f"{name} has {size} MB on the hub, but this server fetches at most {limit} MB: choose a smaller one."
        raise SettingError("hub_too_large", text, name=name, size=size, limit=limit)


def _unknown(name: str) -> SettingError:
    text = (
        f"The hub does not say how large {name} is, so this server does not fetch it: check the name, try again later, "
        "or choose what is here already."
    )
    return SettingError("hub_size_unknown", text, name=name)


def _is_here(name: str, kind: Kind) -> bool:
    if kind == "model":
        return local_folder(name) is not None
    return (Path(constants.HF_HUB_CACHE) / f"datasets--{name.replace('/', '--')}").exists()


@functools.lru_cache(maxsize=512)
def _size(name: str, kind: Kind) -> int | None:
    """Bytes of all files that may be fetched; None where the hub does not say so."""
    api = huggingface_hub.HfApi(token=hub_token())
    ask = api.model_info if kind == "model" else api.dataset_info
    files = ask(name, files_metadata=True, timeout=HUB_TIMEOUT_S).siblings or []
    sizes = [file.size for file in files if kind == "dataset" or file.rfilename.endswith(READ_OF_A_MODEL)]
    known = [size for size in sizes if size is not None]
    return sum(known) if known and len(known) == len(sizes) else None
