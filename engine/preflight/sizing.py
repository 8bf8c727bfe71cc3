"""What a new run on a model would set by the size of the model, from the model's config alone."""

import functools

from engine.config.run import RunConfig
from engine.methods.sizing import Sizes, sized_names, sizes_for
from engine.models.loading import shape_from_config
from engine.models.resolve import local_folder
from engine.models.shape import ModelShape


@functools.lru_cache(maxsize=32)
def shape_of_model(name: str, *, trust_remote_code: bool = False) -> ModelShape:
    """Sizes of a model, read once.

    Raises:
        ModelError: It cannot be found or its family is not supported.
    """
    return shape_from_config(name, trust_remote_code=trust_remote_code)


def shape_for(config: RunConfig) -> ModelShape:
    """Sizes of the model that a run names.

    Raises:
        ModelError: It cannot be found or its family is not supported.
    """
    return shape_of_model(config.model, trust_remote_code=config.of_training().trust_remote_code)


def as_new(config: RunConfig) -> RunConfig:
    """The run as `start_run` makes it: with what it leaves open as it suits the size of its model.

    Raises:
        WorkbenchError: A setting or the model cannot be used.
    """
    return config.sized(shape_for(config)) if sized_names(config.method) else config


def sizes(config: RunConfig) -> Sizes:
    """What the presets of all methods leave open, as it suits the size of a run's model; nothing while it is not here.

    Raises:
        WorkbenchError: A setting or the model cannot be used.
    """
    return {} if local_folder(config.model) is None else sizes_for(shape_for(config))
