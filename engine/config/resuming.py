"""What may be different when a run goes on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.config.training import ON_RESUME, TrainingSettings
from engine.core.errors import SettingError


@dataclass(frozen=True, kw_only=True, slots=True)
class Resuming:
    """The choices of whoever resumes a run.

    Attributes:
        training: New values of the settings in `ON_RESUME`. With more steps a run, finished or not, goes on from its
            newest checkpoint, and the learning rate follows the schedule of the longer run from there on; one that had
            as many steps from the start would have had other rates before.
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
            if name not in ON_RESUME:
                known = ", ".join(ON_RESUME)
                raise SettingError(
                    "not_on_resume",
                    f"{name} cannot change when a run goes on, only {known} can: start a new run.",
                    field=name,
                    known=known,
                )
        checked, present = TrainingSettings.from_dict(dict(self.training)), TrainingSettings.from_dict(dict(training))
        if "steps" in self.training and checked.steps < present.steps:
            raise SettingError(
                "fewer_steps",
                f"steps is {checked.steps}, but the run has {present.steps}: name as many or more.",
                field="steps",
                value=checked.steps,
                steps=present.steps,
            )
        return {**training, **{name: getattr(checked, name) for name in self.training}}


AS_IT_WAS = Resuming()
"""Nothing may be different."""
