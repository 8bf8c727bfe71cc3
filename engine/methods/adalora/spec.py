"""What AdaLoRA is, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.errors import SettingError
from engine.core.settings import Settings, setting
from engine.methods.checks import need_targets
from engine.methods.spec import MethodSpec, Paper, named_linears, rate_by_width
from engine.telemetry.method_events import RankFrame, UpdateFrame

if TYPE_CHECKING:
    from engine.methods.base import Method


LEARNING_RATE = 3e-2


@dataclass(frozen=True, kw_only=True)
class AdaLoraSettings(Settings):
    """Settings of AdaLoRA."""

    rank: int = setting(6, "Rank of every update at the start.", low=1, high=1024)
    target_rank: int = setting(4, "Mean rank of the updates at the end.", low=1, high=1024, tries=(1, 2, 4, 6))
    alpha: float = setting(16.0, "Scale of the update: it is multiplied by alpha / rank.", low=0.01, high=4096.0)
    targets: str = setting(
        "all",
        "Which linears get an update: any of q k v o gate up down, with spaces between, or attention, mlp, all.",
        tries=("q v", "attention", "mlp", "all"),
    )
    dropout: float = setting(0.0, "Share of the update's inputs that training drops.", low=0.0, high=0.9, advanced=True)
    start_share: float = setting(
        0.1, "Share of the steps before the first rank is taken away.", low=0.0, high=0.9, advanced=True
    )
    end_share: float = setting(
        0.3, "Share of the steps after the last one, in which ranks stay as they are.", low=0.0, high=0.9, advanced=True
    )
    every: int = setting(
        10, "Ranks are taken away once in so many steps.", low=1, high=10_000, unit="steps", advanced=True
    )
    beta_sensitivity: float = setting(
        0.85, "How slowly the mean sensitivity follows the present one.", low=0.0, high=0.999, advanced=True
    )
    beta_uncertainty: float = setting(
        0.85, "How slowly the mean uncertainty follows the present one.", low=0.0, high=0.999, advanced=True
    )
    orthogonality: float = setting(
        0.5, "Weight of the penalty that keeps the directions at right angles.", low=0.0, high=100.0, advanced=True
    )

    def __post_init__(self) -> None:
        """Check the bounds, that `targets` names something, and that ranks can fall.

        Raises:
            SettingError: The rank at the end is above that at the start, or no steps are left to take ranks away.
        """
        super().__post_init__()
        need_targets(self.targets)
        if self.target_rank > self.rank:
            raise SettingError(
                "rank_grows",
                f"target_rank is {self.target_rank}, but training starts with rank {self.rank}: choose one up to that.",
                field="target_rank",
                value=self.target_rank,
                limit=self.rank,
            )
        if self.start_share + self.end_share >= 1:
            raise SettingError(
                "no_steps_left",
                f"start_share is {self.start_share:g} and end_share {self.end_share:g}, which leaves no steps to take "
                "ranks away: choose shares that add up to less than 1.",
                field="end_share",
                value=self.end_share,
                other=self.start_share,
            )


def _implementation() -> type[Method[AdaLoraSettings]]:
    from engine.methods.adalora.method import AdaLora  # noqa: PLC0415 - it loads torch

    return AdaLora


SPEC = MethodSpec(
    name="adalora",
    title="AdaLoRA",
    paper=Paper(
        title="AdaLoRA: Adaptive Budget Allocation for Parameter-Efficient Fine-Tuning",
        authors="Zhang et al.",
        year=2023,
        url="https://arxiv.org/abs/2303.10512",
    ),
    equation="y = W x + (α / r) · P Λ Q x",
    learned=("P", "Λ", "Q"),
    group="weights",
    acts_on=("linear",),
    places=lambda settings: named_linears(settings.targets),
    settings=AdaLoraSettings,
    presets={
        "default": {},
        "paper": {"rank": 6, "target_rank": 4},
        "peft": {"rank": 12, "target_rank": 8, "alpha": 8.0, "targets": "q v", "every": 1},
        "strong_cut": {"rank": 8, "target_rank": 2},
    },
    learning_rate=LEARNING_RATE,
    rate=rate_by_width(LEARNING_RATE),
    smaller=tuple({"rank": rank, "target_rank": end} for rank, end in ((5, 3), (4, 3), (3, 2), (2, 1))),
    emits=(RankFrame, UpdateFrame),
    examples=(
        {"rank": 3, "target_rank": 2, "targets": "q v"},
        {"rank": 2, "target_rank": 1, "targets": "mlp", "orthogonality": 0.0},
    ),
    implementation=_implementation,
)
