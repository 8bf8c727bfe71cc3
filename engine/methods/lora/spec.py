"""What LoRA is, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.settings import Settings, setting
from engine.methods.checks import need_targets
from engine.methods.layers import parse_layers
from engine.methods.lora.places import parse_pattern
from engine.methods.spec import MethodSpec, Paper, named_linears, rate_by_width
from engine.telemetry.method_events import UpdateFrame

if TYPE_CHECKING:
    from engine.methods.base import Method


FROM_WEIGHTS = ("pissa", "olora")
"""Values of `init` that read the frozen weights."""
LEARNING_RATE = 5e-3


@dataclass(frozen=True, kw_only=True)
class LoraSettings(Settings):
    """Settings of LoRA."""

    rank: int = setting(
        8, "Rank r of the update: how many directions it may change.", low=1, high=1024, tries=(1, 2, 4, 8, 16, 32)
    )
    alpha: float = setting(16.0, "Scale of the update: it is multiplied by alpha / rank.", low=0.01, high=4096.0)
    targets: str = setting(
        "q v",
        "Which linears get an update: any of q k v o gate up down, with spaces between, or attention, mlp, all.",
        tries=("q v", "attention", "mlp", "all"),
    )
    dropout: float = setting(0.0, "Share of the update's inputs that training drops.", low=0.0, high=0.9, advanced=True)
    rslora: bool = setting(
        default=False,
        help="Scale by alpha / sqrt(rank) instead, which keeps high ranks steady.",
        advanced=True,
    )
    dora: bool = setting(
        default=False,
        help="Also train the length of every row of the changed weights (DoRA); slower, since it reads them.",
        advanced=True,
    )
    init: str = setting(
        "kaiming",
        "Where the update starts: A at random and B at zero, or at the strongest part of the frozen weights.",
        choices=("kaiming", "gaussian", *FROM_WEIGHTS),
        advanced=True,
    )
    loraplus_ratio: float = setting(
        1.0, "Learning rate of B as a multiple of A's (LoRA+).", low=0.01, high=1000.0, log=True, advanced=True
    )
    layers: str = setting(
        "", "Which layers get updates, counted from 0: numbers and spans such as 0 2-5; empty for all.", advanced=True
    )
    rank_pattern: str = setting(
        "",
        "Other ranks for some linears, in all layers or in one: q=4 3.down=16; 0 leaves one out.",
        advanced=True,
    )
    alpha_pattern: str = setting(
        "", "Other values of alpha for some linears, in all layers or in one: q=8 3.down=32.", advanced=True
    )

    def __post_init__(self) -> None:
        """Check the bounds, that `targets` names something, and what the texts say."""
        super().__post_init__()
        need_targets(self.targets)
        parse_layers(self.layers)
        parse_pattern("rank_pattern", self.rank_pattern)
        parse_pattern("alpha_pattern", self.alpha_pattern)


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
    learned=("B", "A"),
    group="weights",
    acts_on=("linear",),
    places=lambda settings: named_linears(settings.targets),
    settings=LoraSettings,
    presets={
        "paper": {},
        "all_linears": {"targets": "all"},
        "only_attention": {"targets": "attention"},
        "only_mlp": {"targets": "mlp"},
        "high_rank": {"rank": 64, "alpha": 64.0, "rslora": True},
        "dora": {"dora": True},
        "pissa": {"init": "pissa"},
        "olora": {"init": "olora"},
        "loraplus": {"loraplus_ratio": 16.0},
    },
    learning_rate=LEARNING_RATE,
    rate=rate_by_width(LEARNING_RATE),
    rate_factors=lambda settings, _: {"b.": settings.loraplus_ratio},
    reads_weights=lambda settings: settings.init in FROM_WEIGHTS,
    emits=(UpdateFrame,),
    no_decay=("magnitudes",),
    examples=(
        {"rank": 2, "alpha": 4.0},
        {"rank": 3, "targets": "all", "rslora": True},
        {"rank": 2, "dora": True, "layers": "0 2"},
        {"rank": 3, "init": "pissa", "targets": "mlp", "rank_pattern": "down=2 1.up=0"},
    ),
    implementation=_implementation,
)
