"""What prompt tuning is, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.settings import Settings, setting
from engine.methods.checks import need_init_text
from engine.methods.spec import MethodSpec, Paper, rate_by_width
from engine.telemetry.method_events import PromptFrame

if TYPE_CHECKING:
    from engine.methods.base import Method


LEARNING_RATE = 1e-1


@dataclass(frozen=True, kw_only=True)
class PromptSettings(Settings):
    """Settings of prompt tuning."""

    prompt_len: int = setting(
        20, "Virtual tokens in front of the text (K).", low=1, high=512, unit="tokens", tries=(5, 10, 20, 40)
    )
    init: str = setting(
        "vocabulary",
        "Where the virtual tokens start: words of a sentence, random vocabulary entries, or random numbers.",
        choices=("text", "vocabulary", "random"),
        tries=("vocabulary", "random"),
    )
    init_text: str = setting("", "The sentence to start from when init is text.")
    shift_positions: bool = setting(
        default=False,
        help="Push the text's positions back by K, as HF peft does; only learned positions notice.",
        advanced=True,
    )

    def __post_init__(self) -> None:
        """Check the bounds, and that a start from text has a text."""
        super().__post_init__()
        need_init_text(self.init, self.init_text)


def _implementation() -> type[Method[PromptSettings]]:
    from engine.methods.prompt.method import PromptTuning  # noqa: PLC0415 - it loads torch

    return PromptTuning


SPEC = MethodSpec(
    name="prompt",
    title="Prompt tuning",
    paper=Paper(
        title="The Power of Scale for Parameter-Efficient Prompt Tuning",
        authors="Lester et al.",
        year=2021,
        url="https://arxiv.org/abs/2104.08691",
    ),
    equation="X' = [P; E(x)]",
    learned=("P",),
    group="prompts",
    acts_on=("embedding",),
    settings=PromptSettings,
    presets={
        "vocabulary": {},
        "random": {"init": "random"},
        "complaints_guide": {
            "prompt_len": 8,
            "init": "text",
            "init_text": "Classify if the tweet is a complaint or not:",
        },
    },
    learning_rate=LEARNING_RATE,
    rate=rate_by_width(LEARNING_RATE),
    needs=("text",),
    emits=(PromptFrame,),
    examples=(
        {"prompt_len": 3},
        {"prompt_len": 4, "init": "text", "init_text": "a b"},
        {"prompt_len": 2, "init": "random"},
    ),
    implementation=_implementation,
)
