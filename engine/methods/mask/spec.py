"""What learned masks are, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.settings import Settings, setting
from engine.methods.checks import need_targets
from engine.methods.spec import MethodSpec, Paper, named_linears
from engine.telemetry.method_events import MaskFrame

if TYPE_CHECKING:
    from engine.methods.base import Method


EVERY = "all"
"""Value of `targets` for all linears of the family."""
USUAL_SPARSITY = 0.05
"""The paper's; sets the range of the scores where none of them shall lie below the threshold."""


@dataclass(frozen=True, kw_only=True)
class MaskSettings(Settings):
    """Settings of learned masks."""

    targets: str = setting(
        EVERY, "Which linears are masked: any of q k v o gate up down, with spaces between, or all of them."
    )
    layers: int | None = setting(
        None, "How many of the top layers are masked; empty means all but the lowest sixth.", low=1, unit="layers"
    )
    sparsity: float = setting(
        0.05,
        "Share of the weights that are switched off at the start (p).",
        low=0.0,
        high=0.95,
        tries=(0.02, 0.05, 0.1, 0.2),
    )
    threshold: float = setting(
        0.01, "A weight is used while its score lies above this.", low=0.0, high=1.0, advanced=True
    )
    init_scale: float = setting(
        0.02,
        "The lowest score at the start is minus this (a); it sets the range of all.",
        low=1e-4,
        high=10.0,
        log=True,
        advanced=True,
    )
    init: str = setting(
        "uniform",
        "Which weights start with the lowest scores: any, or the smallest ones.",
        choices=("uniform", "magnitude"),
        advanced=True,
    )

    def __post_init__(self) -> None:
        """Check the bounds, and that `targets` names something."""
        super().__post_init__()
        need_targets(self.targets)

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest score at the start."""
        a, tau = self.init_scale, self.threshold
        low = -a if self.sparsity else tau
        return low, (a + tau) / (self.sparsity or USUAL_SPARSITY) - a


def _implementation() -> type[Method[MaskSettings]]:
    from engine.methods.mask.method import MaskTuning  # noqa: PLC0415 - it loads torch

    return MaskTuning


SPEC = MethodSpec(
    name="mask",
    title="Learned masks",
    paper=Paper(
        title="Masking as an Efficient Alternative to Finetuning for Pretrained Language Models",
        authors="Zhao et al.",
        year=2020,
        url="https://arxiv.org/abs/2004.12406",
    ),
    equation="W' = W ⊙ 1[M > τ]",
    learned=("M",),
    group="weights",
    acts_on=("linear",),
    places=lambda settings: named_linears(settings.targets),
    settings=MaskSettings,
    presets={
        "default": {},
        "paper": {"targets": EVERY, "layers": None},
        "from_base": {"sparsity": 0.0},
        "smallest_first": {"init": "magnitude"},
    },
    learning_rate=1e-2,
    smaller=tuple({"targets": "o", "layers": layers} for layers in range(8, 0, -1)),
    reads_weights=lambda settings: True,
    emits=(MaskFrame,),
    no_decay=("scores",),  # decay would pull scores below the threshold: it would switch weights off
    examples=(
        {"sparsity": 0.2},
        {"sparsity": 0.0, "targets": "q v", "layers": 2},
    ),
    implementation=_implementation,
)
