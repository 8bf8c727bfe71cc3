"""What LoReFT is, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.settings import Settings, setting
from engine.methods.checks import need_layers
from engine.methods.spec import MethodSpec, Paper, rate_by_width
from engine.telemetry.method_events import UpdateFrame

if TYPE_CHECKING:
    from engine.methods.base import Method
    from engine.models.shape import ModelShape

LEARNING_RATE = 4e-3


@dataclass(frozen=True, kw_only=True)
class LoReftSettings(Settings):
    """Settings of LoReFT."""

    rank: int = setting(
        8, "Directions r of a layer's states that may change.", low=1, high=4096, tries=(1, 2, 4, 8, 16)
    )
    layers: int | None = setting(
        None, "How many of the top layers have their states changed; empty for all.", low=1, unit="layers"
    )
    dropout: float = setting(0.0, "Share of the change that training drops.", low=0.0, high=0.9, advanced=True)

    def chosen(self, shape: ModelShape) -> list[int]:
        """The layers whose states change, lowest first.

        Raises:
            SettingError: The model has fewer.
        """
        count = self.layers or shape.l
        need_layers("layers", count, shape.l)
        return list(range(shape.l - count, shape.l))


def _implementation() -> type[Method[LoReftSettings]]:
    from engine.methods.loreft.method import LoReft  # noqa: PLC0415 - it loads torch

    return LoReft


SPEC = MethodSpec(
    name="loreft",
    title="LoReFT",
    paper=Paper(
        title="ReFT: Representation Finetuning for Language Models",
        authors="Wu et al.",
        year=2024,
        url="https://arxiv.org/abs/2404.03592",
    ),
    equation="h ← h + Rᵀ(W h + b − R h)",
    learned=("R", "W", "b"),
    group="adapters",
    acts_on=("residual",),
    places=lambda settings: ("after_mlp",),
    settings=LoReftSettings,
    presets={"paper": {}, "one_direction": {"rank": 1}, "wide": {"rank": 32}},
    learning_rate=LEARNING_RATE,
    rate=rate_by_width(LEARNING_RATE),
    emits=(UpdateFrame,),
    no_decay=("rotations",),
    examples=(
        {"rank": 3},
        {"rank": 2, "layers": 2},
    ),
    implementation=_implementation,
)
