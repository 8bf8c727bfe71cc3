"""Memory of a run as values: what it would take, and what it took. Needs no torch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryInfo:
    """Memory that a run would take, in bytes by purpose, at the peak of a training step.

    Gradients and logits may not all exist at the peak: gradients are allocated as activations are freed. Both count
    with their own maximum, and activations with the rest of the peak, so that the sum is right.

    Attributes:
        weights: The frozen base in its precision.
        quantisation: Scales of an 8-bit or 4-bit base.
        adapter: The trained parameters, in fp32.
        gradients: Gradients of all trained parameters.
        optimiser: AdamW's state.
        activations: The rest of a step's peak: mostly tensors saved for the backward pass.
        logits: Logits of the labelled tokens in fp32, and their gradient.
        kv_cache: Keys and values of a chat of two columns. It is allocated between steps, so never together with
            activations and logits; `total` excludes it.
        total: Sum of all but kv_cache.
        device: "cpu" or "cuda".
        free: Bytes of the device that are available to a run.
        capacity: All bytes of the device.
        verdict: "fits" (including a margin of 15 %), "tight", or "will not fit".
        rows: Rows of a micro batch.
        length: Tokens of the longest row.
    """

    weights: int
    quantisation: int
    adapter: int
    gradients: int
    optimiser: int
    activations: int
    logits: int
    kv_cache: int
    total: int
    device: str
    free: int
    capacity: int
    verdict: str
    rows: int
    length: int

    @property
    def needed(self) -> int:
        """Bytes at the peak of training or of a chat, whichever is more."""
        step = self.gradients + self.activations + self.logits
        return max(self.total, self.total - step + self.kv_cache)


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredMemory:
    """What a run held, in bytes.

    Attributes:
        weights: The frozen base, scales of a quantised one included.
        adapter: The trained parameters.
        optimiser: AdamW's state.
        step: The most that a training step added.
        peak: The sum of these.
        device: "cpu" or "cuda".
        rows: Rows of that step's batch.
        length: Tokens of its longest row.
    """

    weights: int = 0
    adapter: int = 0
    optimiser: int = 0
    step: int = 0
    peak: int = 0
    device: str = ""
    rows: int = 0
    length: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As run.json holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse; entries that a file lacks are 0 or empty."""
        return cls(**{field.name: values[field.name] for field in fields(cls) if field.name in values})
