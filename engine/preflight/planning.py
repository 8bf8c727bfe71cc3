"""Builds the `Plan` of a run from its config: the base's config, and the largest batch of its data."""

import logging
from collections.abc import Callable
from dataclasses import replace

from engine.config.run import RunConfig
from engine.config.training import TrainingSettings
from engine.data.batching import Batch, collator_for
from engine.data.dataset import Row
from engine.data.encode import encode_for
from engine.memory.capacity import DeviceMemory
from engine.memory.info import MemoryInfo
from engine.models.loading import resolve_device
from engine.preflight.estimates import Estimates
from engine.preflight.memory import Plan
from engine.preflight.prepare import PreparedData, prepare
from engine.preflight.sizing import as_new

CANDIDATES = 4
"""Rows that are tokenised to find the longest ones, as a multiple of the batch size: the longest in characters."""

_estimates = Estimates()


def memory(config: RunConfig, held: int = 0) -> MemoryInfo:
    """The memory that a run will take on this machine; `held` bytes are already taken by its base. Loads no weights.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used.
    """
    config = as_new(config.checked())
    device = resolve_device(config.of_training().device)
    return _estimates.of(plan_of(config, device), DeviceMemory.of(device, held))


def enough_for(config: RunConfig, held: int) -> Callable[[TrainingSettings], bool]:
    """Whether a run fits into this machine's memory with other settings of the loop, as `Trainer.enough` asks.

    Args:
        config: Of the run.
        held: Bytes that its base takes already.
    """

    def enough(settings: TrainingSettings) -> bool:
        less = {name: getattr(settings, name) for name in ("micro_batches", "gradient_checkpointing")}
        try:
            return memory(replace(config, training={**config.training, **less}), held).verdict == "fits"
        except Exception:
            # The data are gone, for instance, or the estimate lacks memory too: whoever asks has an error to tell.
            logging.getLogger(__name__).warning("The memory of a run cannot be estimated.", exc_info=True)
            return False

    return enough


def plan_of(config: RunConfig, device: str) -> Plan:
    """The plan of the run's largest step.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used.
    """
    training = config.of_training()
    prepared = prepare(config)
    return Plan(
        config=prepared.base,
        method=config.method,
        settings=config.of_method(),
        training=training,
        batch=largest_batch(prepared, training.batch_size),
        head=prepared.head,
        device=device,
        processor=prepared.processor,
    )


def largest_batch(prepared: PreparedData, size: int) -> Batch:
    """The longest rows of the training data, as many as a batch has: an upper bound of the run's batches.

    Processed pictures are all of one size, so the first ones are taken.
    """
    rows, collate = prepared.dataset.rows("train"), collator_for(prepared.base, prepared.processor)
    count = CANDIDATES * size
    longest = rows[:size] if prepared.dataset.pictures else sorted(rows, key=_characters, reverse=True)[:count]
    examples = encode_for(prepared.processor, prepared.dataset, longest, prepared.limit, prepared.head)
    examples.sort(key=lambda example: len(example.ids), reverse=True)
    return collate(examples[:size])


def _characters(row: Row) -> int:
    return len(row.prompt) + len(row.response)
