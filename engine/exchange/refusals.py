"""Checks of what HF peft files can hold without loss, and the errors that name the problem and its fix."""

from typing import Any

from torch import Tensor

from engine.core.errors import ExchangeError

PREFIX = "base_model.model."
"""Prefix of a module's name in peft's files."""

KNOWN_LORA: dict[str, object] = {
    "bias": "none",
    "modules_to_save": None,
    "lora_bias": False,
    "use_qalora": False,
    "use_bdlora": None,
    "layer_replication": None,
    "target_parameters": None,
    "trainable_token_indices": None,
    "alora_invocation_tokens": None,
    "arrow_config": None,
    "kasa_config": None,
    "monteclora_config": None,
}
"""Entries of a peft LoRA config that change its computation, with the value that leaves it unchanged."""

CHANGES_BASE = ("pissa_niter", "corda", "loftq", "lora_ga")
"""Initialisations of a peft LoRA that modify the base weights in a way that cannot be repeated, at random or with data:
the adapter does not fit the original base."""


def only_known_lora(config: dict[str, Any]) -> None:
    """Refuse a LoRA that computes anything that the LoRA here does not.

    Raises:
        ExchangeError: It does.
    """
    for name, plain in KNOWN_LORA.items():
        if config.get(name, plain) not in (plain, None):
            raise refused(f"{name}={config[name]!r} cannot be read", f"save it with {name}={plain!r}")
    start = str(config.get("init_lora_weights", True))
    if start.startswith(CHANGES_BASE):
        raise refused(
            f"with init_lora_weights={start!r} the base was changed too",
            "convert it to a plain LoRA with HF peft (path_initial_model_for_weight_conversion)",
        )


def has_shape(name: str, tensors: dict[str, Tensor], shape: tuple[int, ...]) -> None:
    """Refuse a tensor of another shape.

    Raises:
        ExchangeError: It has one.
    """
    if tensors[name].shape != shape:
        raise bad_tensor(name, f"has shape {tuple(tensors[name].shape)} instead of {shape}")


def same_names(wanted: set[str], present: set[str]) -> None:
    """Refuse a file with a missing or an extra tensor.

    Raises:
        ExchangeError: It does; the first such tensor is named.
    """
    for name in sorted(wanted ^ present):
        raise bad_tensor(name, "is missing" if name in wanted else "does not belong there")


def bad_tensor(name: str, problem: str) -> ExchangeError:
    """The error about one tensor of an adapter file."""
    file = "adapter_model.safetensors"
    return ExchangeError(
        "bad_tensor", f"The tensor {name!r} in {file} {problem}.", tensor=name, file=file, problem=problem
    )


def refused(reason: str, fix: str) -> ExchangeError:
    """The error that states the reason and the fix."""
    return ExchangeError(
        "no_exchange",
        f"This adapter cannot be exchanged with HF peft: {reason}; {fix}.",
        reason=reason,
        fix=fix,
    )
