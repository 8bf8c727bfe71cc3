"""What LLaMA-Adapter is, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.settings import Settings, setting
from engine.methods.spec import EMBEDDED_WIDTH, LINEARS, MethodSpec, Paper, Place
from engine.telemetry.events import Event
from engine.telemetry.method_events import GateFrame, NormFrame

if TYPE_CHECKING:
    from engine.methods.base import Method


MOST_BLOCKS = 48
"""Between a picture's patches and the queries that look at them."""


LEARNING_RATE = 6e-2
"""Of prompts and gates alone on the embedded model, and on narrower ones."""


CAREFUL_RATE = 2e-2
"""Of wide models, and where more than prompts and gates learns: V2's biases, scales and norms, or what reads a picture;
with three times as much, 84.2 % of the town's test pictures are answered in place of 87.5 %."""


BLOCKS_RATE = 0.05
"""Of the learning rate: transformer blocks do not bear what prompts and gates need."""


@dataclass(frozen=True, kw_only=True)
class LlamaAdapterSettings(Settings):
    """Settings of LLaMA-Adapter."""

    prompt_len: int = setting(
        10, "Adaption prompts per layer (K).", low=1, high=512, unit="prompts", tries=(2, 5, 10, 20)
    )
    layers: int | None = setting(
        None,
        "How many of the top layers get prompts (L); empty means all but the lowest 1/16.",
        low=1,
        unit="layers",
    )
    gate: str = setting(
        "per_head",
        "One gate for every head, as in the paper, or one per layer, as in HF peft.",
        choices=("per_head", "per_layer"),
        advanced=True,
        tries=("per_head", "per_layer"),
    )
    activation: str = setting(
        "tanh",
        "What the gate goes through before it multiplies: tanh keeps it within -1 and 1.",
        choices=("tanh", "identity"),
        advanced=True,
    )
    gate_init: str = setting(
        "zero",
        "Where the gates start: at zero, at random, or no gates at all (one softmax for prompts and text).",
        choices=("zero", "random", "ungated"),
        advanced=True,
    )
    prompt_std: float = setting(0.5, "Spread of the prompts' random start.", low=1e-4, high=10.0, advanced=True)
    bias: bool = setting(default=False, help="Train a bias for every output of the linears too (V2).", advanced=True)
    scale: bool = setting(default=False, help="Train a scale for every output of the linears too (V2).", advanced=True)
    norms: bool = setting(default=False, help="Train the norms too (V2).", advanced=True)
    vision: str = setting(
        "",
        "A vision encoder, folder or hub id, whose features of a row's picture are added to its prompts; empty sees "
        "no pictures.",
        advanced=True,
    )
    vision_depths: int = setting(
        4,
        "At how many depths of the vision encoder global features are taken, evenly spaced, the last layer among them.",
        low=1,
        high=64,
        unit="depths",
        advanced=True,
    )
    vision_form: str = setting(
        "global",
        "How a picture is read: global features added to all prompts of a row (v1), queries that look at its patches "
        "added prompt by prompt (V2's code), or these queries in the lowest layers, apart from the prompts (V2's "
        "paper).",
        choices=("global", "queries", "early"),
        advanced=True,
    )
    vision_blocks: int = setting(
        8,
        "Transformer blocks in which the queries look at patches, for the forms queries and early.",
        low=1,
        high=MOST_BLOCKS,
        unit="blocks",
        advanced=True,
    )
    vision_early: int | None = setting(
        None,
        "In how many of the lowest layers the queries are attended to, for the form early; empty means all that have "
        "no adaption prompts.",
        low=1,
        unit="layers",
        advanced=True,
    )
    projection_steps: int = setting(
        0,
        "First steps in which only what reads pictures and the gates train; 0 trains all from the start.",
        low=0,
        high=1_000_000,
        unit="steps",
        advanced=True,
    )

    @property
    def beyond_v1(self) -> list[str]:
        """Names of the options that are on and that a checkpoint of the authors' v1 code has no place for."""
        return [name for name in ("bias", "scale", "norms", "vision") if getattr(self, name)]


def _places(settings: LlamaAdapterSettings) -> tuple[Place, ...]:
    """V2's biases and scales leave k and v alone, which the prompts go through, too."""
    linears = [name for name in LINEARS if name not in ("k", "v")] if settings.bias or settings.scale else []
    return ("attention", *linears, *(("norm",) if settings.norms else ()))


def _rate(settings: LlamaAdapterSettings, d: int) -> float:
    if settings.beyond_v1:
        return CAREFUL_RATE
    return max(CAREFUL_RATE, LEARNING_RATE * min(1.0, EMBEDDED_WIDTH / d) ** 2)


def _emitted(settings: LlamaAdapterSettings) -> tuple[type[Event], ...]:
    gates = () if settings.gate_init == "ungated" else (GateFrame,)
    return (*gates, NormFrame) if settings.norms else gates


def _implementation() -> type[Method[LlamaAdapterSettings]]:
    from engine.methods.llama_adapter.method import LlamaAdapter  # noqa: PLC0415 - it loads torch

    return LlamaAdapter


SPEC = MethodSpec(
    name="llama_adapter",
    title="LLaMA-Adapter",
    paper=Paper(
        title="LLaMA-Adapter: Efficient Fine-tuning of Language Models with Zero-init Attention",
        authors="Zhang et al.",
        year=2024,
        url="https://arxiv.org/abs/2303.16199",
    ),
    equation="out = softmax(q·kᵀ) v + tanh(g) · softmax(q·k_Pᵀ) v_P",
    learned=("g", "k_P", "v_P"),
    group="prompts",
    acts_on=("attention",),
    places=_places,
    settings=LlamaAdapterSettings,
    presets={
        "paper": {},
        "peft": {"gate": "per_layer", "activation": "identity"},
        "random_gates": {"gate_init": "random"},
        "ungated": {"gate_init": "ungated"},
        "v2": {"bias": True, "scale": True, "norms": True},
    },
    learning_rate=LEARNING_RATE,
    rate=_rate,
    needs=("attention",),
    emits=(GateFrame, NormFrame),
    emits_with=_emitted,
    no_decay=(
        "gates",
        "early_gates",
        "bias",
        "scale",
        "norms",
        "projection.linear.bias",
        "projection.norm",
        "projection.reading.bias",
        "projection.reading_norm",
        *(f"projection.blocks.{block}.norm" for block in range(MOST_BLOCKS)),
    ),
    rate_factors=lambda _, __: {"projection.blocks": BLOCKS_RATE, "projection.reading": BLOCKS_RATE},
    examples=(
        {"prompt_len": 3, "layers": 2},
        {"prompt_len": 3, "layers": 1, "gate": "per_layer", "activation": "identity"},
        {"prompt_len": 3, "layers": 2, "gate_init": "random", "bias": True, "scale": True, "norms": True},
        {"prompt_len": 3, "layers": 2, "gate_init": "ungated"},
    ),
    implementation=_implementation,
)
