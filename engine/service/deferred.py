"""The parts of the engine that import torch, deferred so that the page is shown before torch is loaded.

Each function imports its module when it is called, since importing torch and transformers takes seconds; see
`engine.core.loading`. No other file below `engine/service` imports inside of a function.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.config.run import RunConfig
from engine.core.errors import ExchangeError
from engine.core.loading import load
from engine.data.head_spec import HeadSpec
from engine.data.preview_values import DataPreview
from engine.inference.messages import ChatRequest
from engine.memory.info import MemoryInfo
from engine.methods.sizing import Sizes
from engine.models.info import Counts, ModelInfo
from engine.models.menu import Offer
from engine.runs.folder import RunFolder
from engine.service.permission import Trust

if TYPE_CHECKING:
    from engine.data.dataset import Dataset
    from engine.service.worker import Worker


def worker_class() -> "type[Worker]":
    """The class `Worker`."""
    load("engine.service.worker")
    from engine.service.worker import Worker

    return Worker


def models(folder: Path) -> list[ModelInfo]:
    """See `engine.service.catalogue.models`."""
    load("engine.service.catalogue")
    from engine.service import catalogue

    return catalogue.models(folder)


def offers() -> list[Offer]:
    """See `engine.service.catalogue.offers`."""
    load("engine.service.catalogue")
    from engine.service import catalogue

    return catalogue.offers()


def count(config: RunConfig) -> Counts:
    """See `engine.service.catalogue.count`."""
    load("engine.service.catalogue")
    from engine.service import catalogue

    return catalogue.count(config)


def refused_exports(config: RunConfig, head: HeadSpec | None) -> dict[str, ExchangeError]:
    """See `engine.service.catalogue.refused_exports`."""
    load("engine.service.catalogue")
    from engine.service import catalogue

    return catalogue.refused_exports(config, head)


def usual_rate(config: RunConfig) -> float:
    """See `engine.service.catalogue.usual_rate`."""
    load("engine.service.catalogue")
    from engine.service import catalogue

    return catalogue.usual_rate(config)


def depth(config: RunConfig) -> int:
    """See `engine.service.catalogue.depth`."""
    load("engine.service.catalogue")
    from engine.service import catalogue

    return catalogue.depth(config)


def sizes(config: RunConfig) -> Sizes:
    """See `engine.preflight.sizing.sizes`."""
    load("engine.preflight.sizing")
    from engine.preflight import sizing

    return sizing.sizes(config)


def as_new(config: RunConfig) -> RunConfig:
    """See `engine.preflight.sizing.as_new`."""
    load("engine.preflight.sizing")
    from engine.preflight import sizing

    return sizing.as_new(config)


def write_rows(config: RunConfig, dataset: "Dataset", trust: Trust) -> None:
    """See `engine.service.written.write_rows`."""
    load("engine.service.written")
    from engine.service import written

    written.write_rows(config, dataset, trust)


def write_talks(request: ChatRequest, folders: Sequence[RunFolder | None], trust: Trust) -> None:
    """See `engine.service.written.write_talks`."""
    load("engine.service.written")
    from engine.service import written

    written.write_talks(request, folders, trust)


def memory(config: RunConfig, held: int) -> MemoryInfo:
    """See `engine.preflight.planning.memory`."""
    load("engine.preflight.planning")
    from engine.preflight import planning

    return planning.memory(config, held)


def preview_data(config: RunConfig, rows: int) -> DataPreview:
    """See `engine.preflight.prepare.preview_data`."""
    load("engine.preflight.prepare")
    from engine.preflight import prepare

    return prepare.preview_data(config, rows)
