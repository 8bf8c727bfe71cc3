"""What a run that is out of memory is told: the settings that it leaves open, each with a value that needs less."""

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from engine.config.training import TrainingSettings
from engine.core.errors import RunError

CPU_ALLOCATOR = ("DefaultCPUAllocator", "can't allocate memory", "not enough memory")
"""How torch's allocator of the CPU words it, in a RuntimeError without a type of its own."""
SHORTEST = 32

Enough = Callable[[TrainingSettings], bool]
"""Whether memory is enough for a run with these settings."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that the memory of the machine or the GPU did not suffice."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in CPU_ALLOCATOR)


def give_back() -> None:
    """Give memory that nothing refers to any more back to the machine, and to the GPU's other users."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def out_of_memory(run: str, settings: TrainingSettings, step: int, enough: Enough | None = None) -> RunError:
    """The error of a run that had too little memory for a step.

    Args:
        run: Its id.
        settings: Of the run.
        step: The step that failed.
        enough: Whether the memory estimate says that a run with such settings fits; None where there is none.
    """
    advice = ", ".join(advised(settings)) or "precision=nf4"
    if not (changes := less_memory(settings, enough)):
        return RunError(
            "out_of_memory_again",
            f"Memory ran out at step {step}: start again with {advice}.",
            run=run,
            step=step,
            advice=advice,
        )
    flags = " ".join(f"--{name.replace('_', '-')} {str(value).lower()}" for name, value in changes.items())
    return RunError(
        "out_of_memory",
        f"Memory ran out at step {step}: go on from the last checkpoint with `resume {flags}`, or start again with "
        f"{advice}.",
        run=run,
        step=step,
        advice=advice,
        **changes,
    )


def less_memory(settings: TrainingSettings, enough: Enough | None = None) -> dict[str, int | bool]:
    """What makes a step need less memory and leaves its result the same, up to rounding; empty if all of it is done.

    It is the least of that for which the estimate says that memory is enough. The estimate may have said so of the
    settings that failed, or of none: then it is the smallest step.
    """
    steps = list(_steps(settings))
    if enough is not None and not enough(settings):
        fitting = (changes for changes in steps if enough(replace(settings, **changes)))  # type: ignore[arg-type]
        return next(fitting, steps[-1] if steps else {})
    return steps[0] if steps else {}


def _steps(settings: TrainingSettings) -> Iterator[dict[str, int | bool]]:
    """Twice as many parts of a batch again and again, then gradient checkpointing too."""
    changes: dict[str, int | bool] = {}
    parts = settings.micro_batches
    while parts < settings.batch_size:
        parts = min(2 * parts, settings.batch_size)
        changes = {"micro_batches": parts}
        yield changes
    if not settings.gradient_checkpointing:
        yield {**changes, "gradient_checkpointing": True}


def advised(settings: TrainingSettings) -> list[str]:
    """Settings that would need less memory, those that change least first."""
    parts = min(2 * settings.micro_batches, settings.batch_size)
    ways = {
        f"micro_batches={parts}": parts > settings.micro_batches,
        "gradient_checkpointing=true": not settings.gradient_checkpointing,
        f"max_seq_len={settings.max_seq_len // 2}": settings.max_seq_len // 2 >= SHORTEST,
        "precision=int8": settings.precision in ("fp32", "bf16", "fp16"),
    }
    return [way for way, helps in ways.items() if helps]
