"""The last start of a run, by which a double click starts one."""

import dataclasses
import time

from engine.config.run import RunConfig

SAME_CLICK_S = 5.0
"""A second start of the same config within this time is a double click."""


@dataclasses.dataclass(frozen=True)
class LastStart:
    """The start of a run, to tell a double click from another one, and whose run is active before its folder is."""

    config: RunConfig
    owner: str
    run: str
    at: float = dataclasses.field(default_factory=time.monotonic)

    def is_repeated(self, config: RunConfig, owner: str) -> bool:
        """Whether the same visitor starts the same once more."""
        return (config, owner) == (self.config, self.owner) and time.monotonic() - self.at < SAME_CLICK_S
