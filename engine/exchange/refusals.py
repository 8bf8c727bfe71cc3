"""What cannot be exchanged with HF peft without loss, and how it is refused: by name, with a way out."""

from typing import Any

from torch import Tensor

from engine.core.errors import ExchangeError

PREFIX = "base_model.model."
"""What peft puts before the names of a model's modules."""

PLAIN_LORA: dict[str, object] = {
    "bias": "none",
    "modules_to_save": None,
    "rank_pattern": {},
    "alpha_pattern": {},
    "lora_bias": False,
    "use_dora": False,
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
"""Entries of a peft LoRA config that change what it computes, with the value at which they do not."""

CHANGES_BASE = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Ways to start a peft LoRA that subtract something from the base: such an adapter fits no untouched base."""


def only_plain_lora(config: dict[str, Any]) -> None:
    """Refuse a LoRA that computes something else than W x + scale B A x on the untouched base.

    Raises:
        ExchangeError: It does.
    """
    for name, plain in PLAIN_LORA.items():
        if config.get(name, plain) not in (plain, None):
            raise refused(f"{name}={config[name]!r} cannot be read", f"save it with {name}={plain!r}")
    start = str(config.get("init_lora_weights", True))
    if start.startswith(CHANGES_BASE):
        raise refused(
            f"with init_lora_weights={start!r} the base was changed too", "convert it to a plain LoRA with HF peft"
        )


def has_shape(name: str, tensors: dict[str, Tensor], shape: tuple[int, ...]) -> None:
    """Refuse a tensor of another shape.

    Raises:
        ExchangeError: It has one.
    """
    if tensors[name].shape != shape:
        raise bad_tensor(name, f"has shape {tuple(tensors[name].shape)} instead of {shape}")


def same_names(wanted: set[str], found: set[str]) -> None:
    """Refuse a file that lacks a tensor or holds one too many.

    Raises:
        ExchangeError: It does; the first such tensor is named.
    """
    for name in sorted(wanted ^ found):
        raise bad_tensor(name, "is missing" if name in wanted else "does not belong there")


def bad_tensor(name: str, problem: str) -> ExchangeError:
    """The error that names one tensor."""
    file = "adapter_model.safetensors"
    return ExchangeError(
        "bad_tensor", f"The tensor {name!r} in {file} {problem}.", tensor=name, file=file, problem=problem
    )


def refused(reason: str, way_out: str) -> ExchangeError:
    """The error that says what does not fit and what to do instead."""
    return ExchangeError(
        "no_exchange",
        f"This adapter cannot be exchanged with HF peft: {reason}; {way_out}.",
        reason=reason,
        fix=way_out,
    )
