"""Which layers have adaption prompts, and which ones a picture's tokens in early fusion."""

from engine.core.errors import SettingError
from engine.methods.checks import need_layers
from engine.methods.llama_adapter.spec import LlamaAdapterSettings


def prompt_layers(settings: LlamaAdapterSettings, layers: int) -> int:
    """How many of the top layers have prompts: 30 of 32 in the paper, so all but the lowest sixteenth, at least one.

    Raises:
        SettingError: More are wanted than there are.
    """
    if settings.layers is None:
        return max(1, layers - max(1, layers // 16))
    need_layers("layers", settings.layers, layers)
    return settings.layers


def early_layers(settings: LlamaAdapterSettings, layers: int) -> int:
    """How many of the lowest layers have a picture's tokens: 0 without early fusion, else those without prompts.

    Raises:
        SettingError: They would reach into those with prompts, or there are no gates to keep them apart.
    """
    if not settings.vision or settings.vision_form != "early":
        return 0
    if settings.gate_init == "ungated":
        raise SettingError(
            "early_ungated",
            "vision_form is 'early', which needs gates, but gate_init is 'ungated': choose another of the two.",
        )
    free = layers - prompt_layers(settings, layers)
    wanted = max(1, free) if settings.vision_early is None else settings.vision_early
    if wanted > free:
        raise SettingError(
            "vision_early",
            f"vision_early is {wanted}, but only {free} of the {layers} layers have no adaption prompts: lower "
            "vision_early or layers.",
            value=wanted,
            free=free,
            layers=layers,
        )
    return wanted
