"""Which steps get a frame: dense early, sparse late, and never moved by steps that come after."""


def is_frame_step(step: int) -> bool:
    """Whether telemetry keeps this step: the first 64 all, then 32 per doubling.

    The rule depends on `step` alone, so a curve never changes shape as the run grows.
    """
    return step < 64 or step % (1 << (step.bit_length() - 6)) == 0


def is_curve_step(step: int) -> bool:
    """Whether a curve of one number per step shows this step: the first 1,024 all, then 512 per doubling."""
    return step < 1024 or step % (1 << (step.bit_length() - 10)) == 0
