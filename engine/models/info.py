"""What is known of a model before it is loaded: its name and size, and what a method would train of it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInfo:
    """A model on this machine.

    Attributes:
        parameters: Number of parameters in its files.
        size_mb: Size of its weight files.
        source: "shipped", "folder", or "cache" for one in the hub's cache.
    """

    name: str
    title: str
    family: str
    parameters: int
    size_mb: float
    path: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Number of parameters that would be trained, and of the whole model.

    Attributes:
        trainable: In all.
        total: Of the model.
        groups: By group of the method.
        smaller: Settings of the method that are as they suit the size of the model: this value, and the default.
    """

    trainable: int
    total: int
    groups: dict[str, int]
    smaller: dict[str, tuple[Any, Any]] = field(default_factory=dict)
