"""What ladder side-tuning is, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.settings import Settings, setting
from engine.methods.spec import MethodSpec, Paper, rate_by_width, smaller
from engine.telemetry.method_events import LadderFrame, RungFrame

if TYPE_CHECKING:
    from engine.methods.base import Method

LEARNING_RATE = 1e-2


@dataclass(frozen=True, kw_only=True)
class LadderSettings(Settings):
    """Settings of ladder side-tuning."""

    reduction: int = setting(
        8, "The side network is this many times thinner than the model (r).", low=1, high=256, tries=(4, 8, 16)
    )
    residual: bool = setting(
        default=True,
        help="Add the side network's result to the model's, or let it alone answer, as in the paper.",
    )
    temperature: float = setting(
        0.1,
        "How soft the gates are (T): mu = sigmoid(a / T). Small ones move fast.",
        low=1e-3,
        high=10.0,
        log=True,
        advanced=True,
    )


def _implementation() -> type[Method[LadderSettings]]:
    from engine.methods.ladder.method import LadderSideTuning  # noqa: PLC0415 - it loads torch

    return LadderSideTuning


SPEC = MethodSpec(
    name="ladder",
    title="Ladder side-tuning",
    paper=Paper(
        title="LST: Ladder Side-Tuning for Parameter and Memory Efficient Transfer Learning",
        authors="Sung, Cho and Bansal",
        year=2022,
        url="https://arxiv.org/abs/2206.06522",
    ),
    equation="s_l = block_l(μ_l · s_{l-1} + (1 - μ_l) · W_l h_l),  μ_l = σ(a_l / T)",
    learned=("block_l", "W_l", "a_l"),
    group="beside",
    acts_on=("beside",),
    settings=LadderSettings,
    presets={"default": {}, "paper": {"residual": False, "reduction": 8}, "wide": {"reduction": 4}},
    learning_rate=LEARNING_RATE,
    rate=rate_by_width(LEARNING_RATE),
    smaller=smaller("reduction", (12, 16, 24, 32, 48, 64, 96, 128, 192, 256)),
    emits=(LadderFrame, RungFrame),
    no_decay=("gates",),
    examples=({"reduction": 4}, {"reduction": 2, "residual": False}),
    implementation=_implementation,
)
