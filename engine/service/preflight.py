"""What a page asks of data and models before there is a run: on the asker's own thread, in turns, without weights."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from engine.config.run import RunConfig
from engine.data.info import Inspection
from engine.data.inspect import inspect_data
from engine.data.preview_values import DataPreview
from engine.data.settings import DataSettings
from engine.memory.info import MemoryInfo
from engine.models.info import Counts
from engine.service import deferred
from engine.service.permission import Permission
from engine.service.status import LiveStatus


class Preflight:
    """Answers them for whoever asks.

    Args:
        permission: Which paths may be named, and which sessions trust which model's authors.
        turn: Gives a turn of the asker among those who look at data or weigh a run.
        live: Present status of the worker.
    """

    def __init__(
        self,
        permission: Permission,
        turn: Callable[[], AbstractContextManager[None]],
        live: Callable[[], LiveStatus],
    ) -> None:
        self._permission, self._turn, self._live = permission, turn, live

    def inspect_data(self, dataset: str, settings: DataSettings, *, session: str = "") -> Inspection:
        """The columns of a file or a hub dataset, and their detected roles. Reads the data; needs no model.

        Raises:
            DataError: It cannot be read.
        """
        self._permission.check_data(dataset, (settings.validation, settings.test), session)
        self._permission.check_rows(dataset, settings)
        with self._turn():
            return inspect_data(dataset, settings)

    def preview_data(self, config: RunConfig, rows: int = 3, *, session: str = "") -> DataPreview:
        """Preview of a run's training data: tokens of some rows, and counts over all. No weights are loaded.

        Raises:
            WorkbenchError: A setting, the model or the data cannot be used, or no row would be trained on.
        """
        self._permission.check(config, session)
        with self._turn():
            return deferred.preview_data(config, rows)

    def count(self, config: RunConfig, *, session: str = "") -> Counts:
        """Number of parameters that a run would train."""
        self._permission.check(config, session)
        with self._turn():
            return deferred.count(config)

    def usual_rate(self, config: RunConfig, *, session: str = "") -> float:
        """The learning rate that an empty setting stands for."""
        self._permission.check(config, session)
        with self._turn():
            return deferred.usual_rate(config)

    def memory(self, config: RunConfig, *, session: str = "") -> MemoryInfo:
        """The memory that a run would take, by purpose, and whether it fits. No weights are loaded; takes a second.

        Raises:
            WorkbenchError: A setting, the model or the data cannot be used.
        """
        self._permission.check(config, session)
        live, precision = self._live(), config.of_training().precision
        same = live.model == config.model and precision in ("auto", live.precision)
        held = live.size_mb * 1e6 if same else 0.0
        with self._turn():
            return deferred.memory(config, round(held))
