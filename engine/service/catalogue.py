"""What can be picked: models, methods, and how many parameters a choice would train."""

from collections.abc import Iterator
from pathlib import Path

from engine.config.run import RunConfig
from engine.core.errors import ExchangeError
from engine.data.head_spec import HeadSpec
from engine.data.task import head_for, wants_head
from engine.exchange.permitted import refusals
from engine.memory.capacity import DeviceMemory, fit_of
from engine.methods import method_class, method_spec
from engine.methods.parts.task_head import TaskHead
from engine.methods.serving import must_serve
from engine.methods.sizing import made_smaller
from engine.models.discover import LocalModel, cached_models, inspect_folder, models_in_folder
from engine.models.download import kept_bytes
from engine.models.info import Counts, ModelInfo
from engine.models.loading import resolve_device
from engine.models.menu import MenuModel, Offer, menu
from engine.models.resolve import SHIPPED
from engine.preflight.sizing import as_new, shape_for, shape_of_model

STEP_BYTES = 500_000_000
"""Of a training step with eight rows of a hundred tokens, on models of the menu's sizes."""


def models(folder: Path | None = None) -> list[ModelInfo]:
    """Models on this machine that can be used: those that ship, those below a folder, those in the hub's cache."""
    return [model_info(model) for model in on_this_machine(folder) if not model.problem]


def on_this_machine(folder: Path | None = None) -> Iterator[LocalModel]:
    """All models on this machine, also those that cannot be used."""
    shipped = (inspect_folder(path, name, "shipped") for name, path in SHIPPED.items())
    yield from (model for model in shipped if model is not None)
    if folder is not None:
        yield from models_in_folder(folder)
    yield from cached_models()


def offers() -> list[Offer]:
    """The menu of good first models, as this machine has and bears them."""
    device, here = DeviceMemory.of(resolve_device("auto")), {model.name for model in cached_models()}
    return [
        Offer(
            model=model,
            here=model.name in here,
            kept_bytes=kept_bytes(model.name),
            fit=fit_of(_first_run_bytes(model, device.device), device.free),
        )
        for model in menu()
    ]


def _first_run_bytes(model: MenuModel, device: str) -> int:
    """About what a first run takes: the weights in the usual precision, and a step of a few short rows."""
    return model.parameters * (2 if device == "cuda" else 4) + STEP_BYTES


def model_info(model: LocalModel) -> ModelInfo:
    """The facts of a model that the page shows."""
    label = model.path.name if model.source == "folder" else model.name
    return ModelInfo(
        name=model.name,
        title=f"{label} ({', '.join(filter(None, (_millions(model.parameters), model.quantisation)))})",
        family=model.family,
        parameters=model.parameters,
        size_mb=round(model.size_bytes / 1e6, 1),
        path=str(model.path),
        source=model.source,
    )


def _millions(count: int) -> str:
    return f"{count / 1e9:.1f} B" if count >= 1e9 else f"{count / 1e6:.1f} M"


def usual_rate(config: RunConfig) -> float:
    """The learning rate that an empty setting stands for; no weights are loaded.

    Raises:
        WorkbenchError: A setting or the model cannot be used.
    """
    shape = shape_for(config)
    return method_spec(config.method).usual_rate(config.of_method(), shape.d)


def depth(config: RunConfig) -> int:
    """Layers of the model that a run names; no weights are loaded.

    Raises:
        ModelError: It cannot be found or its family is not supported.
    """
    return shape_for(config).l


def count(config: RunConfig) -> Counts:
    """Count what a new run would train, from closed forms; no weights are loaded.

    Raises:
        WorkbenchError: A setting or the model cannot be used.
    """
    config, training, shape = as_new(config), config.of_training(), shape_for(config)
    cls = method_class(config.method)
    must_serve(cls.spec, shape.family, shape.model_type)
    groups = cls.count(config.of_method(), shape)
    if wants_head(training.head, shape.family):
        data = config.load_data()
        spec = head_for(training.head, training.pooling, shape.family, data, config.model, training.span)
        groups = groups if spec is None else groups | {"head": TaskHead.count(spec, shape)}
    smaller = made_smaller(config.method, config.method_settings, shape)
    return Counts(trainable=sum(groups.values()), total=shape.parameters, groups=groups, smaller=smaller)


def refused_exports(config: RunConfig, head: HeadSpec | None) -> dict[str, ExchangeError]:
    """Why a run's adapter cannot be exported, by form; see `engine.exchange.permitted`. No weights are loaded.

    Raises:
        WorkbenchError: A setting or the model cannot be used.
    """
    return refusals(method_class(config.method), config.of_method(), head, shape_of_model(config.model))
