"""What a call is told that had too little memory, without anything that would hold the memory."""

import gc

import torch

from engine.core.errors import ModelError, WorkbenchError
from engine.models.hub_errors import causes_of
from engine.models.load_errors import loading_error
from engine.training.out_of_memory import is_out_of_memory

OF_MEMORY = ("no_memory", "model_too_large", "out_of_memory", "out_of_memory_again")
"""Keys of these sentences."""


def told(error: BaseException) -> WorkbenchError | None:
    """A sentence for an error of memory; None for any other.

    It is a new error without a cause: the traceback of the old one holds what the call had in its hands. So whoever
    asks lets go of the old one, and gives the memory back afterwards.
    """
    if not any(map(is_out_of_memory, causes_of(error))):
        return None
    if isinstance(error, ModelError) and "name" in error.values:
        return loading_error(str(error.values["name"]), torch.OutOfMemoryError())
    if isinstance(error, WorkbenchError):
        return type(error).from_dict(error.to_dict())
    return ModelError(
        "no_memory",
        "Memory ran out, so this was given up: ask for less at once, as a shorter text, take a smaller model or "
        "precision=nf4, or end other programs.",
    )


def give_back() -> None:
    """Free what nobody holds any more, cycles included, so that others can have it."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
