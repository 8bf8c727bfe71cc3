"""Several methods on one base at once. What is asked of the combination is asked of each part.

Parts are attached in the order of their names, and each works on the same sites as if it were alone: what they add to
one activation is summed, and prefixes of several methods would stand in one softmax. Each part's equation holds with
the states that the others have changed. AutoPEFT (Zhou et al. 2024) puts adapters beside a prefix, UniPELT (Mao et al.
2022) LoRA, adapters and a prefix with gates, which are not part of this.

Parts must tell of themselves in events of different kinds, or nobody could say whose a number is: two methods that
change the same linears, or two that put virtual tokens in front of the text, are refused.

Starts at base: if all parts do.
"""

import functools
from collections.abc import Iterator
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor
from typing_extensions import override

from engine.data.picture_features import PictureFeatures
from engine.methods.base import Control, Method, Start
from engine.methods.spec import MethodSpec
from engine.methods.together.spec import TogetherSettings
from engine.methods.trial import Trial
from engine.models.shape import ModelShape
from engine.models.sites import Sites
from engine.models.view import View
from engine.telemetry.events import Event
from engine.telemetry.observe import ProbeInput
from engine.telemetry.probe_reports import TogetherReport


class Together(Method[TogetherSettings]):
    """A combination of methods. Its parameters are those of the parts, with the part's name in front."""

    def __init__(self, settings: TogetherSettings, shape: ModelShape, parts: dict[str, Method]) -> None:
        self._control = Control()
        super().__init__(settings, shape)
        for name, part in parts.items():
            self.add_module(name, part)
        self.control = self._control

    @classmethod
    @override
    def build(cls, settings: TogetherSettings, shape: ModelShape, start: Start) -> Self:
        parts = {part.name: part.implementation().build(settings.of(part), shape, start) for part in settings.parts}
        return cls(settings, shape, parts)

    @classmethod
    @override
    def blank(cls, settings: TogetherSettings, shape: ModelShape) -> Self:
        parts = {part.name: part.implementation().blank(settings.of(part), shape) for part in settings.parts}
        return cls(settings, shape, parts)

    @classmethod
    @override
    def count(cls, settings: TogetherSettings, shape: ModelShape) -> dict[str, int]:
        """By method."""
        return {
            part.name: sum(part.implementation().count(settings.of(part), shape).values()) for part in settings.parts
        }

    @property
    def parts(self) -> dict[str, Method]:
        """The methods by name, in the order in which they are attached."""
        return {name: part for name, part in self.named_children() if isinstance(part, Method)}

    @property
    def control(self) -> Control:
        """One for all parts."""
        return self._control

    @control.setter
    def control(self, control: Control) -> None:
        self._control = control
        for part in self.parts.values():
            part.control = control

    @property
    @override
    def starts_at_base(self) -> bool:
        return all(part.starts_at_base for part in self.parts.values())

    @override
    def attach(self, sites: Sites) -> None:
        for part in self.parts.values():
            part.attach(sites)

    @override
    def probe(self, view: View, probe_input: ProbeInput) -> TogetherReport:
        reports = {name: part.probe(view, probe_input) for name, part in self.parts.items()}
        return TogetherReport(tokens=probe_input.tokens, reports=reports)

    @override
    def parameter_events(self, step: int) -> Iterator[Event]:
        for part in self.parts.values():
            yield from part.parameter_events(step)

    @override
    def validation_events(self, step: int, view: View, probe_input: ProbeInput) -> Iterator[Event]:
        for part in self.parts.values():
            yield from part.validation_events(step, view, probe_input)

    @override
    def warm_up(self, start: Start) -> Iterator[float]:
        parts = list(self.parts.values())
        for at, part in enumerate(parts):
            yield from ((at + share) / len(parts) for share in part.warm_up(start))

    @property
    @override
    def template(self) -> str | None:
        return next((part.template for part in self.parts.values() if part.template), None)

    @property
    @override
    def text(self) -> str | None:
        return next((part.text for part in self.parts.values() if part.text), None)

    @property
    @override
    def sees_pictures(self) -> bool:
        return any(part.sees_pictures for part in self.parts.values())

    @property
    @override
    def picture_features(self) -> PictureFeatures | None:
        return next((part.picture_features for part in self.parts.values() if part.picture_features), None)

    @override
    def enter_step(self, step: int) -> None:
        for part in self.parts.values():
            part.enter_step(step)

    @property
    @override
    def passes(self) -> int:
        return max(part.passes for part in self.parts.values())

    @override
    def sample_routing(self) -> None:
        for part in self.parts.values():
            part.sample_routing()

    @override
    def consistency_loss(self, first: Float[Tensor, "n v"], second: Float[Tensor, "n v"]) -> Float[Tensor, ""]:
        losses = [part.consistency_loss(first, second) for part in self.parts.values() if part.passes > 1]
        return torch.stack(losses).sum()

    @override
    def penalty(self) -> Float[Tensor, ""] | None:
        penalties = [value for part in self.parts.values() if (value := part.penalty()) is not None]
        return torch.stack(penalties).sum() if penalties else None

    @override
    def search(self, trial: Trial) -> None:
        for part in self.parts.values():
            part.search(trial)

    @override
    def after_update(self, step: int, steps: int) -> None:
        for part in self.parts.values():
            part.after_update(step, steps)

    @override
    def fold(self) -> None:
        for part in self.parts.values():
            part.fold()

    @override
    def method_tensors(self) -> dict[str, Tensor]:
        return {
            f"{name}.{key}": value for name, part in self.parts.items() for key, value in part.method_tensors().items()
        }

    @override
    def load_method_tensors(self, tensors: dict[str, Tensor]) -> None:
        for name, part in self.parts.items():
            start = f"{name}."
            own = {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}
            part.load_method_tensors(own)


@functools.cache
def _class_of(name: str) -> type[Together]:
    return type("Together", (Together,), {})


def together_class(spec: MethodSpec) -> type[Together]:
    """The class of one combination: `Together` with its description."""
    cls = _class_of(spec.name)
    cls.spec = spec
    return cls
