"""What (IA)³ is, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.settings import Settings, setting
from engine.methods.checks import need_targets
from engine.methods.spec import MethodSpec, Paper, named_linears
from engine.telemetry.method_events import UpdateFrame

if TYPE_CHECKING:
    from engine.methods.base import Method


@dataclass(frozen=True, kw_only=True)
class IA3Settings(Settings):
    """Settings of (IA)^3."""

    targets: str = setting(
        "k v down",
        "Which linears are scaled: any of q k v o gate up down, with spaces between.",
        tries=("k v down", "down", "q k v o down"),
    )
    inputs: str = setting(
        "down",
        "Which of them are scaled at their input instead of at their output.",
        advanced=True,
    )
    whole_linears: bool = setting(
        default=False,
        help="Where one linear computes queries, keys and values, scale all of its outputs, as HF peft does.",
        advanced=True,
    )

    def __post_init__(self) -> None:
        """Check that `targets` names something."""
        super().__post_init__()
        need_targets(self.targets)


def _implementation() -> type[Method[IA3Settings]]:
    from engine.methods.ia3.method import IA3  # noqa: PLC0415 - it loads torch

    return IA3


SPEC = MethodSpec(
    name="ia3",
    title="(IA)³",
    paper=Paper(
        title="Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context Learning",
        authors="Liu et al.",
        year=2022,
        url="https://arxiv.org/abs/2205.05638",
    ),
    equation="k ← l_k ⊙ k,  v ← l_v ⊙ v,  W_down(l_ff ⊙ h)",
    learned=("l_k", "l_v", "l_ff"),
    group="weights",
    acts_on=("linear",),
    places=lambda settings: named_linears(settings.targets),
    settings=IA3Settings,
    presets={
        "paper": {},
        "peft": {"whole_linears": True},
        "all_linears": {"targets": "q k v o up down"},
    },
    learning_rate=3e-2,
    emits=(UpdateFrame,),
    no_decay=("vectors",),
    examples=(
        {},
        {"targets": "q k v o up down", "inputs": "up o"},
    ),
    implementation=_implementation,
)
