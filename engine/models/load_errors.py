"""Why a model cannot be loaded: every error is a sentence with a next step."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from pickle import UnpicklingError

import torch
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError
from safetensors import SafetensorError

from engine.core.errors import ModelError
from engine.models.resolve import TOKEN_VARIABLES, local_folder

LOADING_ERRORS = (OSError, ValueError, ImportError, SafetensorError, torch.OutOfMemoryError, UnpicklingError)
"""What goes wrong in loading a model for reasons that lie in its files, its place or this machine."""


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
            "trust_remote_code for this run only if you trust its authors, or choose another model.",
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
        return corrupt_file(name, "*.safetensors", first_line(error))
    return _file_error(name, error)


def _file_error(name: str, error: Exception) -> ModelError:
    """What is wrong with the files of a model, as far as its loader says."""
    folder, text = local_folder(name), str(error)
    if "safetensors" in text and any("safetensors" in str(cause) for cause in _causes(error)) and folder is None:
        return pickled_weights(name)
    if folder is not None or Path(name).is_absolute() or name.startswith("."):
        return unreadable_folder(name, first_line(error))
    return missing_model(name)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def first_line(error: Exception) -> str:
    """The first line of an error, without anything that is or looks like a hub token."""
    text = next(iter(str(error).splitlines()), "") or "it cannot be read"
    for token in filter(None, (os.environ.get(name, "").strip() for name in TOKEN_VARIABLES)):
        text = text.replace(token, "***")
    return re.sub(r"hf_\w{8,}", "***", text)


def unreadable_folder(name: str, reason: str) -> ModelError:
    """The error for a folder that holds no model."""
    return ModelError(
        "model_folder",
        f"The folder {name!r} holds no model that can be loaded (config.json, *.safetensors and a tokenizer): {reason}",
        name=name,
        reason=reason,
    )


def corrupt_file(name: str, file: str, reason: str) -> ModelError:
    """The error for a weight file that is damaged or missing."""
    return ModelError(
        "model_corrupt",
        f"The file {file} of the model {name!r} is damaged or incomplete ({reason}): delete it and fetch it again.",
        name=name,
        file=file,
        reason=reason,
    )


def pickled_weights(name: str) -> ModelError:
    """The error for a model whose weights are pickles only."""
    return ModelError(
        "model_pickled",
        f"The model {name!r} has its weights only as pickles (*.bin), which can run code when they are read: choose a "
        "version with safetensors, or set pickled_weights if you trust its authors.",
        name=name,
    )


def missing_model(name: str) -> ModelError:
    """The error for a model that is not on this machine, while the hub does not answer."""
    return ModelError(
        "model_missing",
        f"The model {name!r} is not on this machine and the hub did not answer: check the name and the network, "
        "or give the path of a local folder.",
        name=name,
    )
