"""Memory of a run as values: what it would take, and what it took. Needs no torch."""

from dataclasses import dataclass


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
