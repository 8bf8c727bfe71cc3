"""What SHiRA is, without torch."""

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


LEARNING_RATE = 5e-3


@dataclass(frozen=True, kw_only=True)
class ShiraSettings(Settings):
    """Settings of SHiRA."""

    rank: int = setting(
        4, "How many weights change: as many as a LoRA of this rank has.", low=1, high=1024, tries=(1, 2, 4, 8, 16)
    )
    targets: str = linears_setting()
    dropout: float = input_dropout_setting()

    def __post_init__(self) -> None:
        """Check the bounds, and that `targets` names something."""
        super().__post_init__()
        need_targets(self.targets)


def _implementation() -> type[Method[ShiraSettings]]:
    from engine.methods.shira.method import Shira  # noqa: PLC0415 - it loads torch

    return Shira


SPEC = MethodSpec(
    name="shira",
    title="SHiRA",
    paper=Paper(
        title="Sparse High Rank Adapters",
        authors="Bhardwaj et al.",
        year=2024,
        url="https://arxiv.org/abs/2406.13175",
    ),
    equation="W' = W + S",
    learned=("S",),
    group="weights",
    acts_on=("linear",),
    places=lambda settings: named_linears(settings.targets),
    settings=ShiraSettings,
    presets={"paper": {}, "only_attention": {"targets": "attention"}, "only_mlp": {"targets": "mlp"}},
    learning_rate=LEARNING_RATE,
    rate=rate_by_width(LEARNING_RATE),
    emits=(UpdateFrame,),
    examples=({"rank": 2, "targets": "q v"}, {"rank": 1}),
    implementation=_implementation,
)
