"""What a filled form says, by name, and the run that it describes."""

from dataclasses import dataclass
from typing import Any

from app import user_data
from app.user_data import UserDataValues
from engine.config.run import RunConfig

LastPresets = dict[str, str]
"""What the settings of each method were set to last: one of its presets, or `OWN_VALUES` for a run file."""

OWN_VALUES = "own"


@dataclass(frozen=True, kw_only=True)
class FormValues:
    """Train's form.

    Attributes:
        model: Name, folder or hub id, as somebody typed it.
        method: Name of the chosen one.
        method_settings: Of the chosen method.
        dataset: Name of one that ships, or `user_data.CHOICE`.
        user_data: What stands in the fields of one's own data.
        training: Settings of the loop.
        last_presets: By method.
    """

    model: str
    method: str
    method_settings: dict[str, Any]
    dataset: str
    user_data: UserDataValues
    training: dict[str, Any]
    last_presets: LastPresets


def run_config(form: FormValues) -> RunConfig:
    """The run that a filled form describes.

    Raises:
        SettingError: A value cannot work.
    """
    dataset, data = form.dataset, dict[str, Any]()
    if dataset == user_data.CHOICE:
        dataset, data = user_data.chosen(form.user_data)
    return RunConfig(
        model=form.model.strip(),
        dataset=dataset,
        method=form.method,
        method_settings=form.method_settings,
        training=form.training,
        data=data,
    ).checked()
