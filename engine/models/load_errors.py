"""Why a model cannot be loaded: every error is a sentence with a next step."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import PreTrainedConfig

from engine.core.errors import ModelError
from engine.models.hub_errors import causes_of, hub_refusal, missing_model, pickled_weights
from engine.models.resolve import TOKEN_VARIABLES, local_folder

LOADING_ERRORS = (OSError, ValueError, ImportError, SafetensorError, torch.OutOfMemoryError, UnpicklingError)
"""What goes wrong in loading a model for reasons that lie in its files, its place or this machine."""


ODD_CONFIG = (
    StrictDataclassError,
    RuntimeError,
    AttributeError,
    TypeError,
    LookupError,
    ArithmeticError,
    AssertionError,
)
"""What transformers raises besides of a config whose values it does not know, or that do not fit each other."""


SIZES = ("vocab_size", "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads", "head_dim")
"""Sizes in a config of which none can be zero, under the names that transformers has for all families."""


def refuse_empty_sizes(config: PreTrainedConfig) -> None:
    """See that a config describes weights with numbers in them: transformers makes empty ones without a word.

    Raises:
        ValueError: One of its sizes is zero.
    """
    for name in SIZES:
        if getattr(config, name, None) == 0:
            raise ValueError(f"{name} is 0")


@contextmanager
def telling_of_model(name: str) -> Iterator[None]:
    """Turn whatever goes wrong in making a model of its files into one sentence.

    Raises:
        ModelError: Something goes wrong.
    """
    try:
        yield
    except LOADING_ERRORS as error:
        raise loading_error(name, error) from error
    except ODD_CONFIG as error:
        raise odd_config(name, error) from error


def loading_error(name: str, error: Exception) -> ModelError:
    """Say in one sentence why a model could not be loaded."""
    text = str(error)
    if (refusal := hub_refusal(name, error)) is not None:
        return refusal
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
    if "safetensors" in text and any("safetensors" in str(cause) for cause in causes_of(error)) and folder is None:
        return pickled_weights(name)
    if folder is not None or Path(name).is_absolute() or name.startswith("."):
        return unreadable_folder(name, first_line(error))
    return missing_model(name)


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


def odd_config(name: str, error: Exception) -> ModelError:
    """The error for a config that no model can be made of."""
    reason = " ".join(str(error).split()) or "it cannot be read"
    if not isinstance(error, StrictDataclassError | RuntimeError):
        reason = f"{type(error).__name__}: {reason}"
    return ModelError(
        "model_config",
        f"No model can be made of the config.json of {name!r} ({reason[:300]}): correct that value, or fetch the file "
        "again.",
        name=name,
        reason=reason[:300],
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
