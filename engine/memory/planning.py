"""From a run's config to what is to be estimated: its base's config, and the largest batch that its data can make."""

from transformers import PreTrainedTokenizerBase

from engine.contract import MemoryInfo
from engine.data.dataset import Dataset, Row
from engine.data.encode import Batch, collate
from engine.data.spec import HeadSpec
from engine.data.targets import encode_for
from engine.memory.estimate import Plan, estimate
from engine.memory.room import Room
from engine.models.base import device_of
from engine.runs.config import RunConfig
from engine.training.lesson import lesson_of

CANDIDATES = 4
"""The longest texts are sought among so many times as many as a batch has, by their letters."""


def memory(config: RunConfig, held: int = 0) -> MemoryInfo:
    """The memory that a run will take on this machine, of which its base may already hold some; loads no weights.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used.
    """
    device = device_of(config.checked().of_training().device)
    return estimate(plan_of(config.checked(), device), Room.of(device, held))


def plan_of(config: RunConfig, device: str) -> Plan:
    """What the run will compute at its largest step.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used.
    """
    training = config.of_training()
    lesson = lesson_of(config)
    batch = largest_batch(lesson.reader, lesson.dataset, training.batch_size, lesson.limit, lesson.head)
    return Plan(
        config=lesson.base,
        method=config.method,
        settings=config.of_method(),
        training=training,
        batch=batch,
        head=lesson.head,
        device=device,
        reader=lesson.reader,
    )


def largest_batch(
    tokenizer: PreTrainedTokenizerBase, dataset: Dataset, size: int, max_len: int, head: HeadSpec | None
) -> Batch:
    """The longest rows of the training data, as many as a batch has: no batch of the run is larger."""
    rows = dataset.rows("train")
    longest = sorted(rows, key=_letters, reverse=True)[: CANDIDATES * size]
    examples = encode_for(tokenizer, dataset, longest, max_len, head)
    examples.sort(key=lambda example: len(example.ids), reverse=True)
    return collate(examples[:size], tokenizer.pad_token_id)


def _letters(row: Row) -> int:
    return len(row.prompt) + len(row.response)
