"""What VeRA is, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.settings import Settings, setting
from engine.methods.checks import need_targets
from engine.methods.shared_settings import input_dropout_setting, linears_setting
from engine.methods.spec import MethodSpec, Paper, named_linears, rate_by_width
from engine.telemetry.method_events import UpdateFrame

if TYPE_CHECKING:
    from engine.methods.base import Method


LEARNING_RATE = 5e-2


@dataclass(frozen=True, kw_only=True)
class VeraSettings(Settings):
    """Settings of VeRA."""

    rank: int = setting(256, "Rank r of the shared random projection.", low=1, high=8192, tries=(32, 64, 128, 256))
    targets: str = linears_setting()
    dropout: float = input_dropout_setting()
    d_initial: float = setting(
        0.1, "First value of every d; b starts at zero.", low=1e-7, high=10.0, log=True, advanced=True
    )
    projection_seed: int = setting(
        0, "Number that the frozen random matrices are drawn from.", low=0, high=2**31 - 1, advanced=True
    )

    def __post_init__(self) -> None:
        """Check the bounds, and that `targets` names something."""
        super().__post_init__()
        need_targets(self.targets)


def _implementation() -> type[Method[VeraSettings]]:
    from engine.methods.vera.method import VeRA  # noqa: PLC0415 - it loads torch

    return VeRA


SPEC = MethodSpec(
    name="vera",
    title="VeRA",
    paper=Paper(
        title="VeRA: Vector-based Random Matrix Adaptation",
        authors="Kopiczko et al.",
        year=2024,
        url="https://arxiv.org/abs/2310.11454",
    ),
    equation="y = W x + b ⊙ B (d ⊙ A x)",
    learned=("b", "d"),
    group="weights",
    acts_on=("linear",),
    places=lambda settings: named_linears(settings.targets),
    settings=VeraSettings,
    presets={"paper": {}, "only_attention": {"targets": "attention"}, "wide": {"rank": 512}},
    learning_rate=LEARNING_RATE,
    rate=rate_by_width(LEARNING_RATE),
    emits=(UpdateFrame,),
    no_decay=("d",),
    examples=({"rank": 5}, {"rank": 3, "targets": "q down", "d_initial": 1.0}),
    implementation=_implementation,
)
