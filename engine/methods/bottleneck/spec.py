"""What adapters are, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.errors import SettingError
from engine.core.settings import Settings, setting
from engine.methods.layers import parse_layers
from engine.methods.spec import MethodSpec, Paper, Place, smaller
from engine.telemetry.method_events import AdapterFrame, NormFrame

if TYPE_CHECKING:
    from engine.methods.base import Method


PARALLEL = "parallel"
"""The part of a layer that has an adapter beside its MLP."""
AFTER: Mapping[str, tuple[str, ...]] = {"houlsby": ("attention", "mlp"), "pfeiffer": ("mlp",), "nowhere": ()}
"""The sub-layers that are followed by an adapter, by `position`."""
PLACES: Mapping[str, Place] = {"attention": "after_attention", "mlp": "after_mlp", PARALLEL: "beside_mlp"}


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
        "Where the adapters stand: after attention and after the MLP, after the MLP only, or nowhere, where there are "
        "parallel ones.",
        choices=("houlsby", "pfeiffer", "nowhere"),
        tries=("houlsby", "pfeiffer"),
    )
    parallel: int = setting(
        0,
        "Units of a parallel adapter, which reads what the MLP reads and adds to what comes out of it; 0 for none.",
        low=0,
        high=65536,
        unit="units",
        advanced=True,
    )
    scaling: float = setting(
        1.0,
        "Factor of what the parallel adapter adds; 4 is that of the paper on parallel adapters.",
        low=1e-3,
        high=1000.0,
        log=True,
        advanced=True,
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
        """Check the bounds, that `layers` can be read, and that there is an adapter."""
        super().__post_init__()
        parse_layers(self.layers)
        if not self.parts:
            raise SettingError(
                "no_adapters",
                "position is 'nowhere' and parallel is 0, so there is no adapter: choose a position, or set parallel "
                "to the units of one beside the MLP, such as 16.",
                field="position",
            )

    def units(self, part: str, d: int) -> int:
        """The width m of a bottleneck of that part in a model of width d."""
        return self.parallel if part == PARALLEL else self.width or max(1, d // self.reduction)

    @property
    def parts(self) -> tuple[str, ...]:
        """Where a layer has adapters: after which sub-layers, and beside the MLP."""
        return AFTER[self.position] + ((PARALLEL,) if self.parallel else ())


def _places(settings: BottleneckSettings) -> tuple[Place, ...]:
    return (*(PLACES[part] for part in settings.parts), *(("norm",) if settings.norms else ()))


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
        "parallel": {"position": "nowhere", "parallel": 16, "scaling": 4.0, "activation": "relu", "norms": False},
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
        {"position": "nowhere", "parallel": 4, "scaling": 2.0, "norms": False, "activation": "relu"},
        {"width": 3, "position": "pfeiffer", "parallel": 2},
    ),
    implementation=_implementation,
)
