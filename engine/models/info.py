"""What is known of a model before it is loaded: its name and size, and what a method would train of it."""

from dataclasses import dataclass


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
    """Number of parameters that would be trained, in all and by group, and of the whole model."""

    trainable: int
    total: int
    groups: dict[str, int]
