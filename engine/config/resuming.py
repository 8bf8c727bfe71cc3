"""What may be different when a run goes on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.config.training import SAME_RESULT, TrainingSettings
from engine.core.errors import SettingError


@dataclass(frozen=True, kw_only=True, slots=True)
class Resuming:
    """The choices of whoever resumes a run.

    Attributes:
        training: New values of the settings in `SAME_RESULT`.
        accept_changed: Whether to go on although the data or the base are not those that the run began with.
    """

    training: Mapping[str, Any] = field(default_factory=dict)
    accept_changed: bool = False

    def changed(self, training: Mapping[str, Any]) -> dict[str, Any]:
        """The loop's settings of a run, with the new values in them.

        Raises:
            SettingError: One of them would change the result, or has an invalid value.
        """
        for name in self.training:
            if name not in SAME_RESULT:
                known = ", ".join(SAME_RESULT)
                raise SettingError(
                    "not_on_resume",
                    f"{name} cannot change when a run goes on, only {known} can: start a new run.",
                    field=name,
                    known=known,
                )
        checked = TrainingSettings.from_dict(dict(self.training))
        return {**training, **{name: getattr(checked, name) for name in self.training}}


AS_IT_WAS = Resuming()
"""Nothing may be different."""
