"""Why the hub gives no model: every refusal is a sentence with a next step. Needs no torch."""

from collections.abc import Iterator

from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

from engine.core.errors import ModelError
from engine.models.resolve import hub_trouble


def hub_refusal(name: str, error: BaseException) -> ModelError | None:
    """Say in one sentence that a model is gated or unknown, or the hub in trouble; None for other reasons."""
    if (trouble := in_trouble(name, error)) is not None:
        return trouble
    causes = list(causes_of(error))
    gated = any(isinstance(cause, GatedRepoError) for cause in causes)
    unknown = not gated and any(isinstance(cause, RepositoryNotFoundError) for cause in causes)
    # What the client says of an unknown one speaks of gated repos too.
    if gated or ("gated repo" in str(error) and not unknown):
        return ModelError(
            "model_gated",
            f"The model {name!r} needs permission: accept its terms on the hub and set HF_TOKEN in the environment.",
            name=name,
        )
    if unknown:
        return ModelError(
            "model_unknown",
            f"The hub has no model {name!r}, or it is private: check the spelling; for a private one, set HF_TOKEN in "
            "the environment.",
            name=name,
        )
    return None


def in_trouble(name: str, error: BaseException) -> ModelError | None:
    """Say in one sentence that the hub is not available right now; None where that is not the reason."""
    status = hub_trouble(error)
    if not status:
        return None
    return ModelError(
        "hub_trouble",
        f"The hub answered {status} when it was asked for {name!r}: that is the hub's trouble; try again in some "
        "minutes, or give the path of a local folder.",
        name=name,
        status=status,
    )


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and what it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


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


def offline(name: str) -> ModelError:
    """The error for a model that is not on this machine, while the hub may not be asked."""
    return ModelError(
        "model_offline",
        f"The model {name!r} is not on this machine, and HF_HUB_OFFLINE keeps it from asking the hub: unset that "
        "to fetch it, or give the path of a local folder.",
        name=name,
    )
