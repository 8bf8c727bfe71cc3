"""Why a vision encoder cannot be used: sentences that name the setting, its value and the way out."""

from collections.abc import Iterator
from contextlib import contextmanager

from engine.core.errors import ModelError
from engine.models.load_errors import LOADING_ERRORS, ODD_CONFIG, first_line, loading_error


@contextmanager
def telling_of_vision(name: str) -> Iterator[None]:
    """Turn whatever goes wrong in loading an encoder into one sentence about the setting vision.

    Raises:
        ModelError: Something goes wrong.
    """
    try:
        yield
    except ModelError as error:
        raise _about_vision(name, error) from error
    except LOADING_ERRORS as error:
        raise _about_vision(name, loading_error(name, error)) from error
    except ODD_CONFIG as error:
        raise no_encoder(name, first_line(error)) from error


def _about_vision(name: str, error: ModelError) -> ModelError:
    """The same problem, where a model's sentence would send somebody to the language model."""
    if error.key == "model_folder":
        return no_encoder(name, str(error.values["reason"]))
    if error.key == "model_missing":
        return ModelError(
            "vision_missing",
            f"vision is {name!r}, which is not on this machine, and the hub did not answer: check the name and the "
            "network, give the path of a local folder, or leave vision empty.",
            name=name,
        )
    return error


def no_encoder(name: str, reason: str) -> ModelError:
    """The error for files that are no encoder."""
    return ModelError(
        "vision_folder",
        f"vision is {name!r}, which holds no vision encoder that can be loaded (config.json, *.safetensors and "
        f"preprocessor_config.json): {reason}",
        name=name,
        reason=reason,
    )
