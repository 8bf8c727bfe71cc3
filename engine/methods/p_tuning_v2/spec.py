"""What P-tuning v2 is, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.settings import setting
from engine.methods.prefix.spec import FLAT_RATE, PrefixSettings, prefix_rate
from engine.methods.prefix.spec import SPEC as PREFIX
from engine.methods.spec import MethodSpec, Paper

if TYPE_CHECKING:
    from engine.methods.base import Method


@dataclass(frozen=True, kw_only=True)
class PTuningV2Settings(PrefixSettings):
    """Settings of P-tuning v2: those of prefix tuning, with other first choices."""

    prompt_len: int = setting(
        20, "Learned keys and values in front of the text, in every layer (P).", low=1, high=512, tries=(5, 10, 20, 40)
    )
    reparametrisation: str = setting(
        "flat",
        "Train the prefix's numbers directly, or compute them from a small matrix by an MLP while training.",
        choices=("flat", "mlp"),
        tries=("flat", "mlp"),
    )
    dropout: float = setting(0.1, "Share of the prefix's numbers that training drops.", low=0.0, high=0.9)


def _implementation() -> type[Method[PrefixSettings]]:
    from engine.methods.p_tuning_v2.method import PTuningV2  # noqa: PLC0415 - it loads torch

    return PTuningV2


SPEC = MethodSpec[PrefixSettings](
    name="p_tuning_v2",
    title="P-tuning v2",
    paper=Paper(
        title="P-Tuning v2: Prompt Tuning Can Be Comparable to Fine-tuning Universally Across Scales and Tasks",
        authors="Liu et al.",
        year=2022,
        url="https://arxiv.org/abs/2110.07602",
    ),
    equation=PREFIX.equation,
    learned=PREFIX.learned,
    group="prompts",
    acts_on=("attention",),
    settings=PTuningV2Settings,
    presets={
        "paper": {},
        "projection": {"reparametrisation": "mlp"},
    },
    learning_rate=FLAT_RATE,
    rate=prefix_rate,
    needs=("attention",),
    emits=PREFIX.emits,
    examples=(
        {"prompt_len": 4, "dropout": 0.0},
        {"prompt_len": 3, "reparametrisation": "mlp", "mlp_width": 5, "dropout": 0.0},
    ),
    implementation=_implementation,
)
