"""Defaults that fit the size of a base: on a large one, what nobody said about a new run trains at most one percent.

The papers' defaults grow with the model, some with the square of its width. `MethodSpec.smaller` lists what may stand
in their place, and the first entry counts that trains no more than `MOST` of the base. Only a new run asks for this,
once, and writes the values down: a run that is resumed, or whose adapter is loaded, means what its file says. Needs no
torch until it counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from engine.core.errors import WorkbenchError
from engine.core.settings import Settings
from engine.methods import METHODS, method_spec, part_names, part_settings, whole_settings
from engine.methods.spec import MethodSpec

if TYPE_CHECKING:
    from engine.models.shape import ModelShape

LARGE = 100_000_000
"""Parameters from which on a base is large; on a smaller one the defaults are always the papers'."""
Sizes = dict[str, dict[str, dict[str, Any]]]
"""The settings that follow from the size of one base, by method and preset; empty for a base that is not large."""

MOST = 0.01
"""Share of a large base that a method trains at most by default."""


def sized_names(method: str) -> tuple[str, ...]:
    """The settings of a method, or of several together, that follow from the size of a large base."""
    return tuple(whole_settings(method, {part: dict.fromkeys(method_spec(part).sized) for part in part_names(method)}))


def sized_settings(method: str, said: Mapping[str, Any], shape: ModelShape) -> dict[str, Any]:
    """The settings of a new run of a method, or of several together, each of which is sized by itself.

    What was said stays. On a large base every setting of `sized_names` is said then, so that the run's file tells it;
    on a smaller one those are left out that have their default.

    Raises:
        SettingError: A setting is invalid.
    """
    said = method_spec(method).settings.up_to_date(said)
    parts = {part: _of_part(method_spec(part), part_settings(method, part, said), shape) for part in part_names(method)}
    return whole_settings(method, parts)


def sizes_for(shape: ModelShape) -> Sizes:
    """What the presets of all methods leave open, as it suits the size of a base."""
    if shape.parameters < LARGE:
        return {}
    return {
        name: {preset: _left_open(spec, values, shape) for preset, values in spec.presets.items()}
        for name, spec in METHODS.items()
        if spec.sized
    }


def made_smaller(method: str, settings: Mapping[str, Any], shape: ModelShape) -> dict[str, tuple[Any, Any]]:
    """The settings that are as the size of the base has them, not as by default: this value, and the default."""
    names, usual = sized_names(method), method_spec(method).settings().to_dict()
    free = sized_settings(method, {name: value for name, value in settings.items() if name not in names}, shape)
    return {
        name: (free[name], usual[name])
        for name in names
        if name in settings and name in free and settings[name] == free[name] != usual[name]
    }


def _left_open(spec: MethodSpec, said: Mapping[str, Any], shape: ModelShape) -> dict[str, Any]:
    """The settings that follow from the size of a base and were not said."""
    values = _of_part(spec, said, shape)
    return {name: values[name] for name in spec.sized if name not in said}


def _of_part(spec: MethodSpec, said: Mapping[str, Any], shape: ModelShape) -> dict[str, Any]:
    """See `sized_settings`."""
    plain: Settings = spec.settings.from_dict(said)
    values, usual = plain.to_dict(), spec.settings().to_dict()
    if shape.parameters < LARGE:
        return {name: v for name, v in said.items() if name not in spec.sized or values[name] != usual[name]}
    chosen = values if set(spec.sized) <= set(said) else _fitting(spec, said, shape)
    return {**said, **{name: chosen[name] for name in spec.sized}}


def _fitting(spec: MethodSpec, said: Mapping[str, Any], shape: ModelShape) -> dict[str, Any]:
    """All settings with which no more than `MOST` trains; where none of those tried does that, those that train least.

    The defaults are tried first. Where they cannot work on this model, they stay: whoever builds the method says why.
    """
    counted = list[tuple[int, dict[str, Any]]]()
    for settings in _tried(spec, said):
        try:
            number = sum(spec.implementation().count(settings, shape).values())
        except WorkbenchError:
            number = -1 if not counted else shape.parameters
        counted.append((number, settings.to_dict()))
        if number <= MOST * shape.parameters:
            return counted[-1][1]
    return min(counted, key=lambda pair: pair[0])[1]


def _tried(spec: MethodSpec, said: Mapping[str, Any]) -> Iterator[Settings]:
    """The defaults and all that may stand in their place, with what was said; what contradicts that is left out."""
    yield spec.settings.from_dict(said)
    for values in spec.smaller:
        try:
            yield spec.settings.from_dict({**values, **said})
        except WorkbenchError:
            continue
