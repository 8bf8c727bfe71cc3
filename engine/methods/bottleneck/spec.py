"""What adapters are, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.settings import Settings, setting
from engine.methods.layers import parse_layers
from engine.methods.spec import MethodSpec, Paper, Place, smaller
from engine.telemetry.method_events import AdapterFrame, NormFrame

if TYPE_CHECKING:
    from engine.methods.base import Method


@dataclass(frozen=True, kw_only=True)
class BottleneckSettings(Settings):
    """Settings of adapter tuning."""

    width: int | None = setting(
        None, "Units of the bottleneck (m); empty takes the model's width / reduction.", low=1, high=65536, unit="units"
    )
    reduction: int = setting(
        12,
        "Divides the model's width when no width is given: 12 makes 64 units for BERT-base.",
        low=1,
        high=4096,
        tries=(4, 8, 12, 24, 48),
    )
    position: str = setting(
        "houlsby",
        "Where the adapters stand: after attention and after the MLP, or after the MLP only.",
        choices=("houlsby", "pfeiffer"),
        tries=("houlsby", "pfeiffer"),
    )
    layers: str = setting(
        "",
        "Which layers get adapters, counted from 0: numbers and spans such as 0 2-5; empty for all.",
        advanced=True,
    )
    norms: bool = setting(default=True, help="Train all norms too, as in the paper.")
    activation: str = setting(
        "gelu", "What the bottleneck's units go through.", choices=("gelu", "gelu_tanh", "silu", "relu"), advanced=True
    )
    init: str = setting(
        "truncated",
        "How both matrices are drawn: normal, or normal cut at two standard deviations.",
        choices=("truncated", "normal"),
        advanced=True,
    )
    init_std: float = setting(
        1e-3,
        "Spread of both matrices' start; above 1e-2 training suffers.",
        low=1e-8,
        high=1.0,
        log=True,
        advanced=True,
    )

    def __post_init__(self) -> None:
        """Check the bounds, and that `layers` can be read."""
        super().__post_init__()
        parse_layers(self.layers)

    def units(self, d: int) -> int:
        """The bottleneck's width m for a model of width d."""
        return self.width or max(1, d // self.reduction)

    @property
    def parts(self) -> tuple[str, ...]:
        """The sub-layers that are followed by an adapter."""
        return ("attention", "mlp") if self.position == "houlsby" else ("mlp",)


def _places(settings: BottleneckSettings) -> tuple[Place, ...]:
    after: tuple[Place, ...] = ("after_mlp",) if settings.position == "pfeiffer" else ("after_attention", "after_mlp")
    return after + (("norm",) if settings.norms else ())


def _implementation() -> type[Method[BottleneckSettings]]:
    from engine.methods.bottleneck.method import Bottleneck  # noqa: PLC0415 - it loads torch

    return Bottleneck


SPEC = MethodSpec(
    name="bottleneck",
    title="Adapters",
    paper=Paper(
        title="Parameter-Efficient Transfer Learning for NLP",
        authors="Houlsby et al.",
        year=2019,
        url="https://arxiv.org/abs/1902.00751",
    ),
    equation="h' = h + W_up · φ(W_down h + b_down) + b_up",
    learned=("W_up", "W_down", "b_down", "b_up"),
    group="adapters",
    acts_on=("residual", "norm"),
    places=_places,
    settings=BottleneckSettings,
    presets={
        "default": {},
        "paper": {"reduction": 12},
        "pfeiffer": {"position": "pfeiffer"},
        "adapterhub": {"reduction": 16, "activation": "silu", "init": "normal", "init_std": 0.02, "norms": False},
    },
    learning_rate=1e-3,
    smaller=smaller("reduction", (16, 24, 32, 48, 64, 96, 128, 192, 256, 512)),
    emits=(AdapterFrame, NormFrame),
    emits_with=lambda settings: (AdapterFrame, NormFrame) if settings.norms else (AdapterFrame,),
    no_decay=("norms",),
    examples=(
        {"width": 5},
        {"reduction": 8, "position": "pfeiffer", "norms": False, "activation": "silu", "init_std": 0.1},
        {"width": 3, "layers": "0 2", "norms": False},
    ),
    implementation=_implementation,
)
