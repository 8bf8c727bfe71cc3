"""What prefix tuning is, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.settings import Settings, setting
from engine.methods.checks import need_init_text
from engine.methods.layers import parse_layers
from engine.methods.spec import WIDTHS, MethodSpec, Paper, smaller
from engine.telemetry.method_events import MassFrame, PrefixFrame

if TYPE_CHECKING:
    from engine.methods.base import Method


MLP_RATE, FLAT_RATE = 2e-3, 3e-2
"""Learning rates that work on the embedded base, with the MLP and without."""


@dataclass(frozen=True, kw_only=True)
class PrefixSettings(Settings):
    """Settings of prefix tuning."""

    prompt_len: int = setting(
        10,
        "Learned keys and values in front of the text, in every layer (P).",
        low=1,
        high=512,
        tries=(2, 5, 10, 20, 40),
    )
    reparametrisation: str = setting(
        "mlp",
        "Compute the prefix from a small matrix by an MLP while training, or train its numbers directly.",
        choices=("mlp", "flat"),
        tries=("mlp", "flat"),
    )
    layers: str = setting(
        "",
        "Which layers get a prefix, counted from 0: numbers and spans such as 0 2-5; empty for all.",
        advanced=True,
    )
    mlp_width: int | None = setting(
        None,
        "Width of the MLP's hidden layer; empty means half of the model's width (512 of 1,024 in the paper).",
        low=1,
        high=16384,
        advanced=True,
    )
    init: str = setting(
        "random",
        "Where the prefix starts: at random, or as the keys and values that the base has for a text.",
        choices=("random", "text"),
    )
    init_text: str = setting("", "The text to start from when init is text.")
    prefix_std: float = setting(0.5, "Spread of the random start of a flat prefix.", low=1e-4, high=10.0, advanced=True)
    dropout: float = setting(
        0.0, "Share of the prefix's numbers that training drops.", low=0.0, high=0.9, advanced=True
    )
    shift_positions: bool = setting(
        default=False,
        help="Push the text's positions back by P, as HF peft does; only learned positions notice.",
        advanced=True,
    )

    def __post_init__(self) -> None:
        """Check the bounds, that `layers` can be read, and that a start from text has a text."""
        super().__post_init__()
        parse_layers(self.layers)
        need_init_text(self.init, self.init_text)


def prefix_rate(settings: PrefixSettings, _: int) -> float:
    """Direct steps are much smaller than those that an MLP makes of the same rate."""
    return FLAT_RATE if settings.reparametrisation == "flat" else MLP_RATE


def _implementation() -> type[Method[PrefixSettings]]:
    from engine.methods.prefix.method import PrefixTuning  # noqa: PLC0415 - it loads torch

    return PrefixTuning


SPEC = MethodSpec(
    name="prefix",
    title="Prefix tuning",
    paper=Paper(
        title="Prefix-Tuning: Optimizing Continuous Prompts for Generation",
        authors="Li and Liang",
        year=2021,
        url="https://arxiv.org/abs/2101.00190",
    ),
    equation="out = softmax(q·[K_P; K]ᵀ) [V_P; V]",
    learned=("K_P", "V_P"),
    group="prompts",
    acts_on=("attention",),
    settings=PrefixSettings,
    presets={
        "default": {},
        "paper": {"mlp_width": None},
        "flat": {"reparametrisation": "flat"},
        "real_text": {"init": "text", "init_text": "Answer the question about the town in one sentence."},
    },
    learning_rate=MLP_RATE,
    rate=prefix_rate,
    smaller=smaller("mlp_width", WIDTHS),
    needs=("attention",),
    emits=(PrefixFrame, MassFrame),
    examples=(
        {"prompt_len": 3, "mlp_width": 5},
        {"prompt_len": 3, "reparametrisation": "flat"},
        {"prompt_len": 3, "mlp_width": 5, "layers": "0 2"},
    ),
    implementation=_implementation,
)
