"""Where models come from, and why one cannot be used: every refusal is a sentence with a next step.

A model is one that ships, a local folder, or a name on the hub, whose files lie in the machine's cache once they are
fetched. Only safetensors are read, unless the user says otherwise: pickles can run code. A hub token is taken from the
environment and nowhere else; it goes to the hub and into no text.
"""

import json
import os
import re
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from pickle import UnpicklingError
from urllib.parse import urlsplit
from urllib.request import getproxies

import torch
from huggingface_hub import constants, try_to_load_from_cache
from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError
from safetensors import SafetensorError, safe_open

from engine.core.errors import ModelError
from engine.models.families import family_of

ASSETS = Path(__file__).resolve().parents[2] / "assets"
SHIPPED = {"town": ASSETS / "town"}
"""Models that ship with the workbench, by name."""

HUB_TIMEOUT_S = 4.0
TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
LOADING_ERRORS = (OSError, ValueError, ImportError, SafetensorError, torch.OutOfMemoryError, UnpicklingError)
"""What goes wrong in loading a model for reasons that lie in its files, its place or this machine."""


def hub_token() -> str | bool:
    """The token for the hub; False for none, which also keeps one that was stored on the disk out of it."""
    return next((token for name in TOKENS if (token := os.environ.get(name, "").strip())), False)


def locate(name: str) -> str:
    """The folder or hub id behind a model name."""
    return str(SHIPPED.get(name, Path(name).expanduser() if name.startswith("~") else name))


def local_folder(name: str) -> Path | None:
    """Where a model's files lie on this machine; None where they do not, or not yet."""
    path = Path(locate(name))
    try:
        if path.exists():
            return path
        found = try_to_load_from_cache(name, "config.json")
    except (HFValidationError, OSError):  # no name of a model, or longer than a path may be
        return None
    return Path(found).parent if isinstance(found, str) else None


def check_hub(name: str) -> None:
    """Ask once whether the hub can be reached, where it is needed: its own client tries for half a minute.

    Raises:
        ModelError: The model is neither here nor can it be fetched.
    """
    path = Path(locate(name))
    if local_folder(name) is not None:
        return
    if path.is_absolute() or name.startswith(".") or not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name):
        raise _missing(name)
    if constants.HF_HUB_OFFLINE:
        raise ModelError(
            "model_offline",
            f"The model {name!r} is not on this machine, and HF_HUB_OFFLINE keeps it from asking the hub: unset that "
            "to fetch it, or give the path of a local folder.",
            name=name,
        )
    if not hub_reachable():
        raise _missing(name)


def hub_reachable() -> bool:
    """Whether the hub can be reached; not asked where a proxy stands between."""
    if "https" in getproxies():
        return True
    host = urlsplit(constants.ENDPOINT)
    try:
        socket.create_connection((host.hostname, host.port or 443), timeout=HUB_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def check_family(name: str) -> None:
    """Look whether a model on this machine is of a known family, before transformers stumbles over its config.

    Raises:
        ModelError: It is not. One that brings code of its own is left to transformers.
    """
    folder = local_folder(name)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8")) if folder else {}
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
    if folder is None:
        return
    if folder.is_file():
        raise _unreadable(name, "it is a file, not a folder")
    files = sorted(folder.glob("*.safetensors"))
    if not files and not pickled and any(any(folder.glob(pattern)) for pattern in PICKLES):
        raise _pickled(name)
    index = folder / "model.safetensors.index.json"
    wanted = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()) if index.exists() else set()
    for file in sorted({folder / part for part in wanted} | set(files)):
        if not file.exists():
            raise _corrupt(name, file.name, "it is missing")
        try:
            with safe_open(file, framework="pt"):
                pass
        except SafetensorError as error:
            raise _corrupt(name, file.name, _line(error)) from error


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


def loading_error(name: str, error: Exception) -> ModelError:
    """Say in one sentence why a model could not be loaded."""
    causes, text = list(_causes(error)), str(error)
    if any(isinstance(cause, GatedRepoError) for cause in causes) or "gated repo" in text:
        return ModelError(
            "model_gated",
            f"The model {name!r} needs permission: accept its terms on the hub and set HF_TOKEN in the environment.",
            name=name,
        )
    if any(isinstance(cause, RepositoryNotFoundError) for cause in causes):
        return ModelError(
            "model_unknown",
            f"The hub has no model {name!r}, or it is private: check the spelling; for a private one, set HF_TOKEN in "
            "the environment.",
            name=name,
        )
    if "trust_remote_code" in text:
        return ModelError(
            "model_code",
            f"The model {name!r} brings Python code of its own, which could do on this machine whatever you can: set "
            "trust_remote_code only if you trust its authors, or choose another model.",
            name=name,
        )
    if isinstance(error, torch.OutOfMemoryError):
        return ModelError(
            "model_too_large",
            f"The model {name!r} does not fit into the memory of this machine: choose another precision, such as "
            "nf4, or a smaller model.",
            name=name,
        )
    if isinstance(error, SafetensorError):
        return _corrupt(name, "*.safetensors", _line(error))
    return _of_files(name, error)


def _of_files(name: str, error: Exception) -> ModelError:
    """What is wrong with the files of a model, as far as its loader says."""
    folder, text = local_folder(name), str(error)
    if "safetensors" in text and any("safetensors" in str(cause) for cause in _causes(error)) and folder is None:
        return _pickled(name)
    if folder is not None or Path(name).is_absolute() or name.startswith("."):
        return _unreadable(name, _line(error))
    return _missing(name)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _line(error: Exception) -> str:
    """The first line of an error, without anything that is or looks like a hub token."""
    text = next(iter(str(error).splitlines()), "") or "it cannot be read"
    for token in filter(None, (os.environ.get(name, "").strip() for name in TOKENS)):
        text = text.replace(token, "***")
    return re.sub(r"hf_\w{8,}", "***", text)


def _unreadable(name: str, reason: str) -> ModelError:
    return ModelError(
        "model_folder",
        f"The folder {name!r} holds no model that can be loaded (config.json, *.safetensors and a tokenizer): {reason}",
        name=name,
        reason=reason,
    )


def _corrupt(name: str, file: str, reason: str) -> ModelError:
    return ModelError(
        "model_corrupt",
        f"The file {file} of the model {name!r} is damaged or incomplete ({reason}): delete it and fetch it again.",
        name=name,
        file=file,
        reason=reason,
    )


def _pickled(name: str) -> ModelError:
    return ModelError(
        "model_pickled",
        f"The model {name!r} has its weights only as pickles (*.bin), which can run code when they are read: choose a "
        "version with safetensors, or set pickled_weights if you trust its authors.",
        name=name,
    )


def _missing(name: str) -> ModelError:
    return ModelError(
        "model_missing",
        f"The model {name!r} is not on this machine and the hub did not answer: check the name and the network, "
        "or give the path of a local folder.",
        name=name,
    )
