"""What LoRA is, without torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.settings import Settings, setting
from engine.methods.checks import need_targets
from engine.methods.spec import MethodSpec, Paper, named_linears
from engine.telemetry.method_events import UpdateFrame

if TYPE_CHECKING:
    from engine.methods.base import Method


LEARNING_RATE = 5e-3
EMBEDDED_WIDTH = 192
"""Width of the model on which the rate was found."""


@dataclass(frozen=True, kw_only=True)
class LoraSettings(Settings):
    """Settings of LoRA."""

    rank: int = setting(8, "Rank r of the update: how many directions it may change.", low=1, high=1024)
    alpha: float = setting(16.0, "Scale of the update: it is multiplied by alpha / rank.", low=0.01, high=4096.0)
    targets: str = setting("q v", "Which linears get an update: any of q k v o gate up down, with spaces between.")
    dropout: float = setting(0.0, "Share of the update's inputs that training drops.", low=0.0, high=0.9, advanced=True)
    rslora: bool = setting(
        default=False,
        help="Scale by alpha / sqrt(rank) instead, which keeps high ranks steady.",
        advanced=True,
    )

    def __post_init__(self) -> None:
        """Check the bounds, and that `targets` names something."""
        super().__post_init__()
        need_targets(self.targets)

    @property
    def scale(self) -> float:
        """The factor on B A x."""
        return self.alpha / (math.sqrt(self.rank) if self.rslora else self.rank)


def _rate(_: LoraSettings, d: int) -> float:
    """The wider the model, the more numbers add up to one output, so the smaller the rate: 2.3e-4 on a 7B."""
    return LEARNING_RATE * min(1.0, EMBEDDED_WIDTH / d)


def _implementation() -> type[Method[LoraSettings]]:
    from engine.methods.lora.method import Lora  # noqa: PLC0415 - it loads torch

    return Lora


SPEC = MethodSpec(
    name="lora",
    title="LoRA",
    paper=Paper(
        title="LoRA: Low-Rank Adaptation of Large Language Models",
        authors="Hu et al.",
        year=2022,
        url="https://arxiv.org/abs/2106.09685",
    ),
    equation="y = W x + (α / r) · B A x",
    group="weights",
    acts_on=("linear",),
    places=lambda settings: named_linears(settings.targets),
    settings=LoraSettings,
    presets={
        "paper": {},
        "all_linears": {"targets": "q k v o up down"},
        "high_rank": {"rank": 64, "alpha": 64.0, "rslora": True},
    },
    learning_rate=LEARNING_RATE,
    rate=_rate,
    emits=(UpdateFrame,),
    examples=(
        {"rank": 2, "alpha": 4.0},
        {"rank": 3, "targets": "q k v o up down", "rslora": True},
    ),
    implementation=_implementation,
)
