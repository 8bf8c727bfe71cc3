"""Settings that several methods have, each described once. Needs no torch."""

from typing import Any

from engine.core.settings import setting


def linears_setting() -> Any:  # noqa: ANN401 - a field of a dataclass
    """Which linears a method changes: all by default."""
    return setting(
        "all",
        "Which linears are changed: any of q k v o gate up down, with spaces between, or attention, mlp, all.",
        tries=("q v", "attention", "mlp", "all"),
    )


def input_dropout_setting() -> Any:  # noqa: ANN401 - a field of a dataclass
    """Share of the inputs of a change that training drops: none by default."""
    return setting(0.0, "Share of the inputs that training drops.", low=0.0, high=0.9, advanced=True)
