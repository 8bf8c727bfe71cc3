"""What AdaMix is, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.settings import Settings, setting
from engine.methods.checks import need_targets
from engine.methods.spec import MethodSpec, Paper, Place, named_linears, smaller
from engine.telemetry.method_events import AgreementFrame, ExpertFrame

if TYPE_CHECKING:
    from engine.methods.base import Method


@dataclass(frozen=True, kw_only=True)
class AdaMixSettings(Settings):
    """Settings of AdaMix."""

    module: str = setting(
        "adapter", "What is mixed: adapters after the MLPs, or LoRA updates.", choices=("adapter", "lora")
    )
    experts: int = setting(4, "Experts in each pool (E).", low=1, high=64, unit="experts", tries=(2, 4))
    width: int = setting(
        16, "Units of each adapter's bottleneck, or rank of each LoRA update.", low=1, high=65536, tries=(4, 8, 16, 32)
    )
    share_down: bool = setting(default=False, help="One down-projection for all, instead of a pool.")
    share_up: bool = setting(default=True, help="One up-projection for all, instead of a pool.")
    consistency: float = setting(
        1.0,
        "Weight of the difference between two passes with different experts; 0 makes one pass.",
        low=0.0,
        high=1e4,
    )
    activation: str = setting(
        "gelu", "What the bottleneck's units go through.", choices=("gelu", "gelu_tanh", "silu", "relu"), advanced=True
    )
    init_std: float = setting(
        0.02, "Spread of the adapters' random start.", low=1e-8, high=1.0, log=True, advanced=True
    )
    targets: str = setting("q v", "Over LoRA: which linears get an update, any of q k v o gate up down.", advanced=True)
    alpha: float = setting(
        16.0, "Over LoRA: scale of the update, multiplied by alpha / rank.", low=0.01, high=4096.0, advanced=True
    )

    def __post_init__(self) -> None:
        """Check the bounds, and that `targets` names something."""
        super().__post_init__()
        need_targets(self.targets)

    def sizes(self) -> tuple[int, int]:
        """Experts in the pools of down- and up-projections."""
        return (1 if self.share_down else self.experts, 1 if self.share_up else self.experts)

    def pools(self) -> list[int]:
        """Which of the two pools hold several experts."""
        return [pool for pool, size in enumerate(self.sizes()) if size > 1]


def _places(settings: AdaMixSettings) -> tuple[Place, ...]:
    return named_linears(settings.targets) if settings.module == "lora" else ("after_mlp",)


def _implementation() -> type[Method[AdaMixSettings]]:
    from engine.methods.adamix.method import AdaMix  # noqa: PLC0415 - it loads torch

    return AdaMix


SPEC = MethodSpec(
    name="adamix",
    title="AdaMix",
    paper=Paper(
        title="AdaMix: Mixture-of-Adaptations for Parameter-efficient Model Tuning",
        authors="Wang et al.",
        year=2022,
        url="https://arxiv.org/abs/2205.12410",
    ),
    equation="h' = h + B_j · φ(A_i h),  i, j ~ {1 … E}",
    learned=("B_j", "A_i"),
    group="adapters",
    acts_on=("residual",),
    places=_places,
    settings=AdaMixSettings,
    presets={
        "default": {},
        "paper": {"width": 16},
        "nlg": {"experts": 8, "width": 8, "consistency": 100.0, "activation": "gelu_tanh"},
        "over_lora": {"module": "lora", "width": 8, "share_up": False},
    },
    learning_rate=1e-3,
    smaller=smaller("width", (12, 8, 6, 4, 2, 1)),
    former_tensors={"dice": "routing_rng"},
    emits=(ExpertFrame, AgreementFrame),
    emits_with=lambda settings: (ExpertFrame, AgreementFrame) if settings.pools() else (),
    examples=(
        {"experts": 3, "width": 5},
        {"experts": 2, "width": 4, "share_up": False, "consistency": 0.0, "activation": "gelu_tanh"},
        {"module": "lora", "experts": 2, "width": 3, "share_down": True, "share_up": False, "targets": "q o"},
    ),
    implementation=_implementation,
)
