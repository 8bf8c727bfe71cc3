"""What new runs set by the size of their model, for the page to show before they start. Needs no torch until asked."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from engine.config.run import RunConfig
from engine.methods.sizing import Sizes
from engine.service import deferred
from engine.service.permission import Permission


class Sizing:
    """Answers from a model's config alone. Safe from any thread.

    Args:
        permission: What a run may name.
        turn: A turn of the asker among those who weigh a run.
    """

    def __init__(self, permission: Permission, turn: Callable[[], AbstractContextManager[None]]) -> None:
        self._permission, self._turn = permission, turn

    def sizes(self, config: RunConfig, *, session: str = "") -> Sizes:
        """What the presets of all methods leave open, as it suits the size of a run's model.

        Raises:
            WorkbenchError: A setting or the model cannot be used.
        """
        self._permission.check(config, session)
        with self._turn():
            return deferred.sizes(config)

    def as_new(self, config: RunConfig, *, session: str = "") -> RunConfig:
        """The run as a new one: with what it leaves open as it suits the size of its model.

        Raises:
            WorkbenchError: A setting or the model cannot be used.
        """
        self._permission.check(config, session)
        with self._turn():
            return deferred.as_new(config)
