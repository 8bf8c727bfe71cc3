"""What a filled form says, by name, and the run that it describes."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from app import user_data
from app.user_data import UserDataValues
from engine.config.run import RunConfig
from engine.config.training import TRUST
from engine.core.errors import SettingError
from engine.methods import method_spec, part_names, part_settings, whole_settings
from engine.methods.sizing import Sizes, sized_names

LastPresets = dict[str, str]
"""What the settings of each method were set to last: one of its presets, or `OWN_VALUES` for a run file."""

OWN_VALUES = "own"

OF_DATA = (*TRUST, "max_seq_len", "head", "pooling", "token_types")
"""Settings of the loop that change what is trained on."""

OF_DATA_IN_METHODS = ("template", "vision")
"""Settings of methods that do."""


@dataclass(frozen=True, kw_only=True)
class FormValues:
    """Train's form.

    Attributes:
        model: Name, folder or hub id, as somebody typed it.
        method: Name of the chosen one, or of several together, see `engine.methods`.
        method_settings: Of the chosen method.
        dataset: Name of one that ships, or `user_data.CHOICE`.
        user_data: What stands in the fields of one's own data.
        training: Settings of the loop.
        last_presets: By method.
        sizes: What follows from the size of the model; see `engine.methods.sizing`.
    """

    model: str
    method: str
    method_settings: dict[str, Any]
    dataset: str
    user_data: UserDataValues
    training: dict[str, Any]
    last_presets: LastPresets
    sizes: Sizes = field(default_factory=dict)

    @property
    def first(self) -> str:
        """The method whose card and presets stand on the form."""
        return part_names(self.method)[0]


class Described(TypedDict, total=False):
    """A run as a session keeps it: compared by value, so that whatever depends on it follows when it changes.

    Attributes:
        config: Its `RunConfig` as plain values; missing where a value cannot work.
        error: The sentence about that value, see `WorkbenchError.to_dict`.
    """

    config: dict[str, Any]
    error: dict[str, object]


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
        method_settings=_said(form),
        training=form.training,
        data=data,
    ).checked()


def _said(form: FormValues) -> dict[str, Any]:
    """The settings of the method. On a model that is not large, those that follow from its size need no saying."""
    if form.sizes:
        return form.method_settings
    names, usual = sized_names(form.method), method_spec(form.method).settings().to_dict()
    plain = {name: ("", None) if usual[name] is None else (usual[name],) for name in names}
    return {name: v for name, v in form.method_settings.items() if name not in plain or v not in plain[name]}


def described(form: FormValues) -> Described:
    """The run that a filled form describes, or what is wrong with it."""
    try:
        return {"config": run_config(form).to_dict()}
    except SettingError as error:
        return {"error": error.to_dict()}


def data_described(form: FormValues) -> Described:
    """The same run as far as its data depends on it: any other setting has its default."""
    settings = _of_data(form.method, form.method_settings)
    return described(dataclasses.replace(form, method_settings=settings, training=_only(OF_DATA, form.training)))


def config_of(run: Described) -> RunConfig:
    """The run that was described, with the trust that its form asks for.

    Raises:
        SettingError: A value of the form cannot work.
    """
    if error := run.get("error"):
        raise SettingError.from_dict(error)
    return RunConfig(**run["config"])


def _only(names: tuple[str, ...], settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name in names}


def _of_data(method: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a method, or of several together, that change what is trained on."""
    parts = {part: _only(OF_DATA_IN_METHODS, part_settings(method, part, settings)) for part in part_names(method)}
    return whole_settings(method, parts)
