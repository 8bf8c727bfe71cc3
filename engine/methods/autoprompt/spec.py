"""What AutoPrompt is, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.settings import Settings, setting
from engine.methods.checks import need_init_text
from engine.methods.spec import MethodSpec, Paper
from engine.telemetry.method_events import PromptFrame, TriggerFrame

if TYPE_CHECKING:
    from engine.methods.base import Method


@dataclass(frozen=True, kw_only=True)
class AutoPromptSettings(Settings):
    """Settings of AutoPrompt."""

    prompt_len: int = setting(
        5, "Words of the trigger in front of the text (K).", low=1, high=512, unit="tokens", tries=(3, 5, 10)
    )
    candidates: int = setting(
        10,
        "How many words are tried at one place in every step; each costs a forward pass over the fresh batches.",
        low=1,
        high=1000,
        tries=(5, 10, 20),
    )
    trial_batches: int = setting(
        1,
        "Fresh batches on which the trigger and every candidate are measured; more make a lucky swap rarer.",
        low=1,
        high=100,
        tries=(1, 2, 4),
    )
    vocabulary: str = setting(
        "whole_words",
        "What a trigger may consist of: whole lower-case words, or any token that is text. Neither holds special "
        "tokens or the words of the labels.",
        choices=("whole_words", "any_text"),
    )
    init: str = setting(
        "vocabulary",
        "Where the trigger starts: words of a sentence, random words, or mask tokens (random words where the model has "
        "no such token).",
        choices=("text", "vocabulary", "masks"),
    )
    init_text: str = setting("", "The sentence to start from when init is text.")
    shift_positions: bool = setting(
        default=False,
        help="Push the text's positions back by K, as typed words would; only learned positions notice.",
        advanced=True,
    )

    def __post_init__(self) -> None:
        """Check the bounds, and that a start from text has a text."""
        super().__post_init__()
        need_init_text(self.init, self.init_text)


def _implementation() -> type[Method[AutoPromptSettings]]:
    from engine.methods.autoprompt.method import AutoPrompt  # noqa: PLC0415 - it loads torch

    return AutoPrompt


SPEC = MethodSpec(
    name="autoprompt",
    title="AutoPrompt",
    paper=Paper(
        title="AutoPrompt: Eliciting Knowledge from Language Models with Automatically Generated Prompts",
        authors="Shin et al.",
        year=2020,
        url="https://arxiv.org/abs/2010.15980",
    ),
    equation="X' = [E(w₁ … w_K); E(x)],  candidates: top of -E(w)·∂L/∂E(wᵢ)",
    learned=("w₁", "w_K"),
    group="prompts",
    acts_on=("embedding",),
    settings=AutoPromptSettings,
    presets={
        "default": {},
        "paper": {"candidates": 100, "trial_batches": 30, "init": "masks"},
        "any_token": {"vocabulary": "any_text"},
    },
    learning_rate=1e-2,
    rate_factors=lambda _, __: {"trigger": 0.0},
    needs=("text",),
    finds_words=True,
    emits=(PromptFrame, TriggerFrame),
    no_decay=("trigger",),
    examples=(
        {"prompt_len": 3, "candidates": 4},
        {"prompt_len": 4, "candidates": 3, "init": "text", "init_text": "a b", "vocabulary": "any_text"},
        {"prompt_len": 2, "candidates": 2, "trial_batches": 2},
    ),
    implementation=_implementation,
)
