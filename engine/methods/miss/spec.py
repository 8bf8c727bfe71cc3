"""What MiSS is, without torch."""

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


LEARNING_RATE = 2e-3


@dataclass(frozen=True, kw_only=True)
class MissSettings(Settings):
    """Settings of MiSS."""

    rank: int = setting(
        8,
        "Rows r of the trained matrix: the input is cut into pieces of so many numbers.",
        low=1,
        high=4096,
        tries=(4, 8, 16, 32),
    )
    targets: str = linears_setting()
    dropout: float = input_dropout_setting()

    def __post_init__(self) -> None:
        """Check the bounds, and that `targets` names something."""
        super().__post_init__()
        need_targets(self.targets)


def _implementation() -> type[Method[MissSettings]]:
    from engine.methods.miss.method import Miss  # noqa: PLC0415 - it loads torch

    return Miss


SPEC = MethodSpec(
    name="miss",
    title="MiSS",
    paper=Paper(
        title="MiSS: Revisiting the Trade-off in LoRA with an Efficient Shard-Sharing Structure",
        authors="Kang and Yin",
        year=2024,
        url="https://arxiv.org/abs/2409.15371",
    ),
    equation="y = W x + D^T Σ_k x_k",
    learned=("D",),
    group="weights",
    acts_on=("linear",),
    places=lambda settings: named_linears(settings.targets),
    settings=MissSettings,
    presets={"paper": {}, "only_attention": {"targets": "attention"}, "high_rank": {"rank": 64}},
    learning_rate=LEARNING_RATE,
    rate=rate_by_width(LEARNING_RATE, power=2.0),
    emits=(UpdateFrame,),
    examples=({"rank": 4, "targets": "q v"}, {"rank": 5}),
    implementation=_implementation,
)
