"""Several methods on one base at once, such as adapters and a prefix (AutoPEFT, UniPELT). Needs no torch.

A combination is named by its parts with a plus sign between: "bottleneck+prefix". It is no row of the table of methods:
its description, and the class of its settings, follow from those of its parts. A setting has the name of its method
before its own: `bottleneck_reduction`, `prefix_prompt_len`. A combination's learning rate is that of its first part;
the others learn at the same multiple of it as their usual rates are of the first one's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from engine.core.errors import SettingError
from engine.core.settings import Settings
from engine.methods.spec import MethodSpec, Place
from engine.telemetry.events import Event

if TYPE_CHECKING:
    from engine.methods.base import Method

V = TypeVar("V")

SIGN = "+"
"""Stands between the names of the methods."""


def part_names(name: str) -> tuple[str, ...]:
    """The methods that a name stands for: itself alone, or the parts of a combination."""
    return tuple(part.strip() for part in name.split(SIGN))


def joined(part: str, setting: str) -> str:
    """The name that a method's setting has within a combination."""
    return f"{part}_{setting}"


def whole_settings(name: str, of_parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Settings of a method or a combination, from those of each part by its name; what is not given is left out."""
    parts = part_names(name)
    if len(parts) == 1:
        return dict(of_parts.get(name, {}))
    return {joined(part, key): value for part in parts for key, value in of_parts.get(part, {}).items()}


def part_settings(name: str, part: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of one part, under their own names, out of those of a method or a combination."""
    if part_names(name) == (part,):
        return dict(settings)
    others = [joined(other, "") for other in part_names(name) if other != part and other.startswith(joined(part, ""))]
    start = joined(part, "")
    own = (key for key in settings if key.startswith(start) and not key.startswith(tuple(others)))
    return {key.removeprefix(start): settings[key] for key in own}


@dataclasses.dataclass(frozen=True, kw_only=True)
class TogetherSettings(Settings):
    """Settings of a combination; each has a class of its own, with the settings of all parts as fields.

    Attributes:
        parts: The methods, in the order in which they are attached.
    """

    parts: ClassVar[tuple[MethodSpec, ...]] = ()

    def __post_init__(self) -> None:
        """Check the bounds, what each part checks of its own, and that events tell whose they are."""
        super().__post_init__()
        tellers = dict[type[Event], MethodSpec]()
        for part in self.parts:
            for event in part.emitted(self.of(part)):
                if (other := tellers.setdefault(event, part)) is not part:
                    raise _alike(other, part)

    def of(self, part: MethodSpec) -> Settings:
        """The settings of one part, as its own class."""
        names = [field.name for field in part.settings.fields()]
        out: Settings = part.settings(**{name: getattr(self, joined(part.name, name)) for name in names})
        return out

    @property
    def template(self) -> str | None:
        """The template that one of the parts has, if any."""
        return self._first("template")

    @property
    def vision(self) -> str:
        """The vision encoder through which one of the parts sees pictures; empty where none does."""
        return self._first("vision") or ""

    def _first(self, name: str) -> str | None:
        said = (getattr(self.of(part), name, None) for part in self.parts)
        return next(filter(None, said), None)


def combined(name: str, table: Mapping[str, MethodSpec]) -> MethodSpec:
    """The description of a combination.

    Raises:
        SettingError: It names an unknown method, one twice, or one that cannot be trained beside others.
    """
    parts = part_names(name)
    for part in parts:
        if part not in table:
            known = ", ".join(table)
            raise SettingError(
                "unknown_method",
                f"There is no method called {part!r}; choose one of {known}.",
                value=part,
                known=known,
            )
        if parts.count(part) > 1:
            title = table[part].title
            raise SettingError("method_twice", f"method: {title} is named twice: name each method once.", method=part)
        if table[part].group == "beside":
            title = table[part].title
            raise SettingError(
                "method_beside",
                f"method: {title} trains without a gradient through the model, which the others need: train it alone.",
                method=part,
            )
    return _described(tuple(table[part] for part in parts))


def _described(parts: tuple[MethodSpec, ...]) -> MethodSpec:
    """The description that follows from those of the parts."""
    first, name = parts[0], SIGN.join(part.name for part in parts)

    def places(settings: TogetherSettings) -> tuple[Place, ...]:
        return _each_once(place for part in parts for place in part.acts_at(settings.of(part)))

    def rate(settings: TogetherSettings, d: int) -> float:
        return first.usual_rate(settings.of(first), d)

    def rate_factors(settings: TogetherSettings, d: int) -> dict[str, float]:
        factors = dict[str, float]()
        for part in parts:
            share = part.usual_rate(settings.of(part), d) / rate(settings, d)
            own = part.rate_factors(settings.of(part), d)
            factors |= {f"{part.name}.{start}": share * factor for start, factor in own.items()}
            factors[f"{part.name}."] = share  # after the others: the first that fits counts
        return factors

    def implementation() -> type[Method[TogetherSettings]]:
        from engine.methods.together.method import together_class  # noqa: PLC0415 - it loads torch

        return together_class(spec)

    spec = MethodSpec(
        name=name,
        title=" + ".join(part.title for part in parts),
        paper=first.paper,
        equation="    ".join(part.equation for part in parts),
        learned=_each_once(symbol for part in parts for symbol in part.learned),
        group=first.group,
        acts_on=_each_once(place for part in parts for place in part.acts_on),
        places=places,
        settings=_settings_class(parts),
        presets={next(iter(first.presets)): {}},
        learning_rate=first.learning_rate,
        rate=rate,
        rate_factors=rate_factors,
        reads_weights=lambda settings: any(part.reads_weights(settings.of(part)) for part in parts),
        needs=_each_once(need for part in parts for need in part.needs),
        emits=_each_once(event for part in parts for event in part.emits),
        emits_with=lambda settings: _each_once(event for part in parts for event in part.emitted(settings.of(part))),
        no_decay=tuple(f"{part.name}.{start}" for part in parts for start in part.no_decay),
        examples=(whole_settings(name, {part.name: part.examples[0] for part in parts}),),
        quick=whole_settings(name, {part.name: part.quick for part in parts}),
        implementation=implementation,
    )
    return spec


def _alike(one: MethodSpec, two: MethodSpec) -> SettingError:
    """The error about two parts of which nobody could tell whose an event is."""
    return SettingError(
        "methods_alike",
        f"method: {one.title} and {two.title} act in the same way, and nobody could tell which of them did what: train "
        "one of them.",
        method=one.name,
        other_method=two.name,
    )


def _settings_class(parts: tuple[MethodSpec, ...]) -> type[TogetherSettings]:
    """A settings class with the fields of all parts, under their names within the combination."""
    fields = []
    for part in parts:
        for field in part.settings.fields():
            info = dataclasses.replace(field.info, was=joined(part.name, field.info.was) if field.info.was else "")
            value = dataclasses.field(default=field.default, metadata={"setting": info})
            kind: Any = field.kind | None if field.optional else field.kind
            fields.append((joined(part.name, field.name), kind, value))
    return dataclasses.make_dataclass(
        "TogetherSettings", fields, bases=(TogetherSettings,), namespace={"parts": parts}, frozen=True, kw_only=True
    )


def _each_once(values: Iterable[V]) -> tuple[V, ...]:
    """The values in their order, each once."""
    return tuple(dict.fromkeys(values))
