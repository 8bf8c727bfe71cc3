"""What OFT is, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.settings import Settings, setting
from engine.methods.checks import need_targets
from engine.methods.shared_settings import linears_setting
from engine.methods.spec import MethodSpec, Paper, named_linears, rate_by_width
from engine.telemetry.method_events import UpdateFrame

if TYPE_CHECKING:
    from engine.methods.base import Method


LEARNING_RATE = 3e-3


@dataclass(frozen=True, kw_only=True)
class OftSettings(Settings):
    """Settings of OFT."""

    block: int = setting(
        16,
        "Inputs that turn together: the input is cut into blocks of so many numbers, or of the nearest fitting number.",
        low=2,
        high=1024,
        tries=(4, 8, 16, 32),
    )
    targets: str = linears_setting()
    terms: int = setting(
        5,
        "Terms of the series that stands for the inverse; 0 computes it exactly, which is slower.",
        low=0,
        high=20,
        advanced=True,
    )

    def __post_init__(self) -> None:
        """Check the bounds, and that `targets` names something."""
        super().__post_init__()
        need_targets(self.targets)


def _implementation() -> type[Method[OftSettings]]:
    from engine.methods.oft.method import Oft  # noqa: PLC0415 - it loads torch

    return Oft


SPEC = MethodSpec(
    name="oft",
    title="OFT",
    paper=Paper(
        title="Controlling Text-to-Image Diffusion by Orthogonal Finetuning",
        authors="Qiu et al.",
        year=2023,
        url="https://arxiv.org/abs/2306.07280",
    ),
    equation="y = W (x R),  R = (I − Q)(I + Q)⁻¹",
    learned=("Q",),
    group="weights",
    acts_on=("linear",),
    places=lambda settings: named_linears(settings.targets),
    settings=OftSettings,
    presets={"peft": {}, "exact": {"terms": 0}, "wide": {"block": 32}},
    learning_rate=LEARNING_RATE,
    rate=rate_by_width(LEARNING_RATE),
    emits=(UpdateFrame,),
    examples=({"block": 4, "targets": "q v"}, {"block": 5, "terms": 0, "targets": "o up"}),
    implementation=_implementation,
)
