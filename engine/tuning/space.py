"""What a search over methods varies: the method, its settings that name values to try, its layers, the learning rate.

Needs no torch and no Optuna. A method's settings say themselves what is tried (`SettingInfo.tries`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.core.errors import SettingError
from engine.methods import METHODS, method_spec, part_names
from engine.methods.layers import text_of_layers
from engine.methods.together.spec import joined
from engine.tuning.recipes import Recipe

RATE = "rate"
"""Name of the factor by which the usual learning rate is multiplied."""
LAYERS = "layers"
"""The setting that says on which layers a method acts: by a text, or as the number of the top ones."""
LAYER = "layer_"
"""Before a layer's number, this is the name of its bit."""
RATE_FACTOR = 8.0
"""The learning rate is at most so many times as high or as low as the usual one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One setting of one method.

    Attributes:
        method: Its name.
        setting: Name of the setting.
        values: What is tried.
    """

    method: str
    setting: str
    values: tuple[Any, ...]

    @property
    def name(self) -> str:
        """Under which a study keeps it; settings of different methods are different, also when named alike."""
        return f"{self.method}.{self.setting}"

    @property
    def ordered(self) -> bool:
        """Whether the values are sizes, so that neighbours are alike."""
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.values)


def checked_methods(names: Sequence[str]) -> tuple[str, ...]:
    """Names of methods, or of several together, each once; all methods alone where none is given.

    Raises:
        SettingError: There is no such method, or these cannot train together.
    """
    known = tuple(METHODS)
    for name in names:
        if len(part_names(name)) > 1:
            method_spec(name).settings()
        elif name not in known:
            text = f"methods: there is no method {name!r}; choose from {', '.join(known)}."
            raise SettingError("unknown_method_of_search", text, name=name, known=", ".join(known))
    return tuple(dict.fromkeys(names)) or known


@dataclass(frozen=True, slots=True)
class Space:
    """What is varied of a method.

    Attributes:
        depth: Layers of the model, where those on which a method acts are varied too; 0 where they are not.
        recipe: The paper whose space it is; None for what settings say themselves.
    """

    depth: int = 0
    recipe: Recipe | None = None

    def choices(self, method: str) -> list[Choice]:
        """The settings of a method that a search varies, then its layers: a bit for each, or how many of the top ones.

        The parts of a combination have their bits in common.
        """
        fields = list(method_spec(method).settings.fields())
        tries = {field.name: field.info.tries for field in fields if field.info.tries}
        if self.recipe is not None:
            tries = dict.fromkeys(self.recipe.varied, self.recipe.grid)
        found = [Choice(method=method, setting=name, values=values) for name, values in tries.items()]
        of_layers = [field for field in fields if field.name in _layer_settings(method)] if self.depth else []
        for field in of_layers:
            if field.kind is int:
                found.append(Choice(method=method, setting=field.name, values=self._counts()))
        if any(field.kind is str for field in of_layers):
            found += [Choice(method=method, setting=f"{LAYER}{n}", values=(True, False)) for n in range(self.depth)]
        return found

    def defaults(self, method: str) -> dict[str, Any]:
        """The method as it is by default, as values of its choices; the default rate has factor 1."""
        plain = method_spec(method).settings().to_dict()
        return {choice.name: plain.get(choice.setting, True) for choice in self.choices(method)}

    def run_of(self, method: str, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """Method and settings of a trial, out of a study's values; None where they would train nothing."""
        settings = self._settings(method, values)
        if settings is None or self.recipe is None:
            return None if settings is None else (method, settings)
        return self.recipe.run_of(settings)

    def _settings(self, method: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """Settings of a method or a combination; None where no layer is left."""
        given = {choice.setting: values[choice.name] for choice in self.choices(method) if choice.name in values}
        settings = {name: value for name, value in given.items() if not name.startswith(LAYER)}
        if len(settings) == len(given):
            return settings
        layers = [n for n in range(self.depth) if given.get(f"{LAYER}{n}", True)]
        kinds = {field.name: field.kind for field in method_spec(method).settings.fields()}
        named = [name for name in _layer_settings(method) if kinds.get(name) is str]
        return settings | dict.fromkeys(named, text_of_layers(layers, self.depth)) if layers else None

    def _counts(self) -> tuple[int | None, ...]:
        """How many of the top layers are tried, beside what the method does by itself: a quarter, half, all."""
        return (None, *dict.fromkeys(math.ceil(self.depth * share) for share in (0.25, 0.5, 1)))


def _layer_settings(method: str) -> list[str]:
    """Names of the settings that say on which layers a method, or the parts of a combination, act."""
    parts = part_names(method)
    return [LAYERS] if len(parts) == 1 else [joined(part, LAYERS) for part in parts]
