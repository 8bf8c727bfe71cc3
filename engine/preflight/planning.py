"""From a run's config to what is to be estimated: its base's config, and the largest batch that its data can make."""

from engine.config.run import RunConfig
from engine.core.types import MemoryInfo
from engine.data.batching import Batch, collator_for
from engine.data.dataset import Row
from engine.data.tokenise import encode_for
from engine.memory.capacity import DeviceMemory
from engine.models.loading import resolve_device
from engine.preflight.memory import Plan, estimate
from engine.preflight.prepare import PreparedData, prepare

CANDIDATES = 4
"""The longest texts are sought among so many times as many as a batch has, by their letters."""


def memory(config: RunConfig, held: int = 0) -> MemoryInfo:
    """The memory that a run will take on this machine, of which its base may already hold some; loads no weights.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used.
    """
    device = resolve_device(config.checked().of_training().device)
    return estimate(plan_of(config.checked(), device), DeviceMemory.of(device, held))


def plan_of(config: RunConfig, device: str) -> Plan:
    """What the run will compute at its largest step.

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
    """The longest rows of the training data, as many as a batch has: no batch of the run is larger.

    Pictures are all of one size once they are processed, so the first will do.
    """
    rows, collate = prepared.dataset.rows("train"), collator_for(prepared.base, prepared.processor)
    count = CANDIDATES * size
    longest = rows[:size] if prepared.dataset.pictures else sorted(rows, key=_letters, reverse=True)[:count]
    examples = encode_for(prepared.processor, prepared.dataset, longest, prepared.limit, prepared.head)
    examples.sort(key=lambda example: len(example.ids), reverse=True)
    return collate(examples[:size])


def _letters(row: Row) -> int:
    return len(row.prompt) + len(row.response)
