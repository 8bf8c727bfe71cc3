"""What bias tuning is, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.errors import SettingError
from engine.core.settings import Settings, setting
from engine.methods.spec import MethodSpec, Paper, Place, named_linears, rate_by_width
from engine.telemetry.method_events import UpdateFrame

if TYPE_CHECKING:
    from engine.methods.base import Method


ALL = "all"
"""Value of `targets` for every linear whose bias can matter."""


LEARNING_RATE = 1e-2


@dataclass(frozen=True, kw_only=True)
class BiasSettings(Settings):
    """Settings of bias tuning."""

    targets: str = setting(
        ALL, "Which linears get a bias: all, or any of q k v o gate up down with spaces between; empty for none."
    )
    norms: bool = setting(default=True, help="Whether the norms get one too.", tries=(True, False))

    def __post_init__(self) -> None:
        """Check that something is left to train."""
        super().__post_init__()
        if not self.targets.split() and not self.norms:
            raise SettingError(
                "no_biases", "targets is empty and norms is off, so nothing would train: choose one.", field="targets"
            )


def _places(settings: BiasSettings) -> tuple[Place, ...]:
    return named_linears(settings.targets) + (("norm",) if settings.norms else ())


def _implementation() -> type[Method[BiasSettings]]:
    from engine.methods.bias.method import BiasTuning  # noqa: PLC0415 - it loads torch

    return BiasTuning


SPEC = MethodSpec(
    name="bias",
    title="Bias tuning (BitFit)",
    paper=Paper(
        title="BitFit: Simple Parameter-efficient Fine-tuning for Transformer-based Masked Language-models",
        authors="Ben Zaken et al.",
        year=2022,
        url="https://arxiv.org/abs/2106.10199",
    ),
    equation="y = W x + b",
    learned=("b",),
    group="weights",
    acts_on=("linear", "norm"),
    places=_places,
    settings=BiasSettings,
    presets={
        "paper": {},
        "query_and_mlp": {"targets": "q up", "norms": False},
        "only_norms": {"targets": ""},
    },
    learning_rate=LEARNING_RATE,
    rate=rate_by_width(LEARNING_RATE, power=2.0),
    emits=(UpdateFrame,),
    examples=(
        {},
        {"targets": "q up", "norms": False},
    ),
    implementation=_implementation,
)
