"""What can be picked: models, datasets, methods, and how many parameters a choice would train."""

import functools
from dataclasses import dataclass
from pathlib import Path

from engine.data import dataset as data
from engine.knobs import Settings
from engine.methods import METHODS, method_class
from engine.models.base import EMBEDDED, describe
from engine.models.shape import ModelShape
from engine.runs.config import RunConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInfo:
    """A model on this machine."""

    name: str
    title: str
    family: str
    parameters: int
    size_mb: float
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetInfo:
    """A dataset that ships."""

    name: str
    title: dict[str, str]
    summary: dict[str, str]
    metric: str
    splits: dict[str, int]
    chips: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class MethodInfo:
    """A method, as a form needs it."""

    name: str
    title: str
    equation: str
    acts_on: tuple[str, ...]
    paper: str
    url: str
    settings: type[Settings]
    presets: dict[str, dict[str, object]]
    learning_rate: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How many parameters would train, by group, out of how many."""

    trainable: int
    total: int
    groups: dict[str, int]


def models() -> list[ModelInfo]:
    """Models that ship with the workbench."""
    return [_model(name) for name, folder in EMBEDDED.items() if (folder / "config.json").exists()]


def _model(name: str) -> ModelInfo:
    folder: Path = EMBEDDED[name]
    shape = shape_of_model(name)
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors")) / 1e6
    return ModelInfo(
        name=name,
        title=f"{name} ({shape.parameters / 1e6:.1f} M)",
        family=shape.model_type,
        parameters=shape.parameters,
        size_mb=round(size, 1),
        path=str(folder),
    )


@functools.lru_cache(maxsize=32)
def shape_of_model(name: str) -> ModelShape:
    """Sizes of a model, read once.

    Raises:
        ModelError: It cannot be found or its family is not supported.
    """
    return describe(name)


def datasets() -> list[DatasetInfo]:
    """Datasets that ship with the workbench, the default one first."""
    return [dataset_info(name) for name in data.shipped()]


def dataset_info(name: str) -> DatasetInfo:
    """Description of one dataset.

    Raises:
        DataError: It cannot be found or read.
    """
    found = data.load_dataset(name)
    return DatasetInfo(
        name=found.name,
        title=found.title,
        summary=found.summary,
        metric=found.metric,
        splits=found.splits,
        chips=found.chips,
    )


def methods() -> list[MethodInfo]:
    """All methods, in the order of the table."""
    return [
        MethodInfo(
            name=cls.name,
            title=cls.title,
            equation=cls.equation,
            acts_on=cls.acts_on,
            paper=f"{cls.paper.title}. {cls.paper.authors}, {cls.paper.year}.",
            url=cls.paper.url,
            settings=cls.settings_class,
            presets=cls.presets,
            learning_rate=cls.learning_rate,
        )
        for cls in METHODS.values()
    ]


def count(config: RunConfig) -> Counts:
    """Count from closed forms; nothing is loaded.

    Raises:
        WorkbenchError: A setting or the model cannot be used.
    """
    shape = shape_of_model(config.model)
    groups = method_class(config.method).count(config.of_method(), shape)
    return Counts(trainable=sum(groups.values()), total=shape.parameters, groups=groups)
