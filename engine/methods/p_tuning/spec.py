"""What P-tuning is, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.errors import SettingError
from engine.core.settings import Settings, setting
from engine.data.slots import SLOT
from engine.methods.spec import WIDTHS, MethodSpec, Paper, rate_by_width, smaller
from engine.telemetry.method_events import PromptFrame

if TYPE_CHECKING:
    from engine.methods.base import Method


ENCODER_RATE, DIRECT_RATE = 9e-3, 1e-1
"""Learning rates that work on the embedded base, with an encoder and without."""

_encoder_rate = rate_by_width(ENCODER_RATE)


@dataclass(frozen=True, kw_only=True)
class PTuningSettings(Settings):
    """Settings of P-tuning."""

    prompt_len: int = setting(
        20,
        "Virtual tokens in front of the text; a template of your own has one for every mark.",
        low=1,
        high=512,
        tries=(5, 10, 20, 40),
    )
    template: str = setting(
        "",
        "Your own text with {prompt} once, and {p} wherever a virtual token shall stand; empty puts them in front of "
        "the dataset's template.",
    )
    encoder: str = setting(
        "lstm",
        "What computes the virtual tokens while they train: an LSTM with an MLP behind it as in the paper, an MLP, or "
        "nothing.",
        choices=("lstm", "mlp", "none"),
        tries=("lstm", "mlp"),
    )
    encoder_width: int | None = setting(
        None,
        "Units of the LSTM in each direction, or width of the MLP; empty means half of the model's width, or all.",
        low=1,
        high=16384,
        advanced=True,
    )
    dropout: float = setting(
        0.0,
        "Share of what goes from the LSTM's first layer to its second that training drops.",
        low=0.0,
        high=0.9,
        advanced=True,
    )
    shift_positions: bool = setting(
        default=False,
        help="Push the text's positions back by the tokens in front, as HF peft does; only learned positions notice.",
        advanced=True,
    )

    def __post_init__(self) -> None:
        """Check the bounds, and that a template has a place for the prompt and some for virtual tokens."""
        super().__post_init__()
        if self.template and self.template.count("{prompt}") != 1:
            raise SettingError(
                "template_prompt",
                f"template is {self.template!r}, but it must hold {{prompt}} exactly once.",
                field="template",
                value=self.template,
            )
        if self.template and SLOT not in self.template:
            raise SettingError(
                "template_marks",
                f"template is {self.template!r}, but it must hold {SLOT} wherever a virtual token shall stand.",
                field="template",
                value=self.template,
            )

    @property
    def tokens(self) -> int:
        """How many virtual tokens there are."""
        return self.template.count(SLOT) or self.prompt_len


def _rate(settings: PTuningSettings, d: int) -> float:
    """Direct steps are much smaller than those that an encoder makes of the same rate."""
    return DIRECT_RATE if settings.encoder == "none" else _encoder_rate(settings, d)


def _implementation() -> type[Method[PTuningSettings]]:
    from engine.methods.p_tuning.method import PTuning  # noqa: PLC0415 - it loads torch

    return PTuning


SPEC = MethodSpec(
    name="p_tuning",
    title="P-tuning",
    paper=Paper(title="GPT Understands, Too", authors="Liu et al.", year=2021, url="https://arxiv.org/abs/2103.10385"),
    equation="X' = [h; E(x)],  h = MLP(BiLSTM(E_P))",
    learned=("MLP", "BiLSTM", "E_P"),
    group="prompts",
    acts_on=("embedding",),
    settings=PTuningSettings,
    presets={
        "default": {},
        "paper": {"encoder_width": None},
        "around": {"template": SLOT * 10 + "{prompt}" + SLOT * 10},
        "mlp_encoder": {"encoder": "mlp"},
    },
    learning_rate=ENCODER_RATE,
    rate=_rate,
    smaller=smaller("encoder_width", WIDTHS),
    needs=("text",),
    emits=(PromptFrame,),
    examples=(
        {"prompt_len": 3, "encoder_width": 4},
        {"prompt_len": 2, "encoder": "mlp", "encoder_width": 5},
        {"prompt_len": 3, "encoder": "none"},
    ),
    implementation=_implementation,
)
