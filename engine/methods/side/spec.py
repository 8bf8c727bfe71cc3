"""What side-tuning is, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.settings import Settings, setting
from engine.methods.checks import need_layers
from engine.methods.spec import WIDTHS, MethodSpec, Paper
from engine.telemetry.method_events import BlendFrame, SideFrame

if TYPE_CHECKING:
    from engine.methods.base import Method


RATES = {"distilled": 2e-4, "scratch": 5e-3, "copied": 3e-4}
"""A distilled or copied network keeps what it knows only at a low rate."""
BESIDE_A_LARGE_BASE = 2.2
"""Where the blend starts beside a large base, which then has nine tenths of it: next to such a base the small network
knows little, and with half of the blend SmolLM2's loss on Alpaca rises from 1.91 to 2.65 nats."""
A_TENTH = 10.0
"""Times the rate of a network that has a tenth of the blend: with less it stands still beside SmolLM2, see
docs/rates.md."""


@dataclass(frozen=True, kw_only=True)
class SideSettings(Settings):
    """Settings of side-tuning."""

    init: str = setting(
        "distilled",
        "Where the side network starts: small and taught to answer like the base, small and random, or as a copy of "
        "the base's layers.",
        choices=("distilled", "scratch", "copied"),
    )
    width: int | None = setting(
        None, "Width of a small side network; empty means half of the model's.", low=2, high=8192
    )
    blocks: int | None = setting(
        None, "Layers of the side network; empty means 2, or all of the model's for a copy.", low=1, high=1024
    )
    alpha: float = setting(
        0.0,
        "Where the blend starts: the base has weight sigma(alpha); 0 is half, 1.39 is four fifths.",
        low=-10.0,
        high=10.0,
    )
    distill_steps: int = setting(
        800, "Updates in which it is taught to answer like the base.", low=1, high=100_000, advanced=True
    )

    def depth(self, layers: int) -> int:
        """Layers of the side network beside a model of so many.

        Raises:
            SettingError: More copies are asked for than there are layers.
        """
        if self.init != "copied":
            return self.blocks or 2
        need_layers("blocks", self.blocks or layers, layers)
        return self.blocks or layers


def _implementation() -> type[Method[SideSettings]]:
    from engine.methods.side.method import SideTuning  # noqa: PLC0415 - it loads torch

    return SideTuning


SPEC = MethodSpec(
    name="side",
    title="Side-tuning",
    paper=Paper(
        title="Side-Tuning: A Baseline for Network Adaptation via Additive Side Networks",
        authors="Zhang et al.",
        year=2020,
        url="https://arxiv.org/abs/1912.13503",
    ),
    equation="R = σ(α) · B + (1 - σ(α)) · S",
    learned=("α", "S"),
    group="beside",
    acts_on=("beside",),
    places=lambda _: ("reads_embedding",),
    settings=SideSettings,
    presets={
        "taught": {},
        "half_width": {"width": None, "alpha": 0.0},
        "from_scratch": {"init": "scratch"},
        "copied": {"init": "copied"},
        "mostly_base": {"alpha": 1.39},
    },
    learning_rate=RATES["distilled"],
    rate=lambda settings, _: RATES[settings.init] * (A_TENTH if settings.alpha >= BESIDE_A_LARGE_BASE else 1.0),
    smaller=tuple({"width": width, "alpha": BESIDE_A_LARGE_BASE} for width in WIDTHS),
    reads_weights=lambda settings: settings.init == "copied",
    emits=(SideFrame, BlendFrame),
    no_decay=("alpha",),
    examples=(
        {"width": 8, "init": "scratch"},
        {"init": "copied", "blocks": 2, "alpha": 1.39},
    ),
    quick={"distill_steps": 10},
    implementation=_implementation,
)
