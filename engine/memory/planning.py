"""From a run's config to what is to be estimated: its base's config, and the largest batch that its data can make."""

import functools

from transformers import PreTrainedConfig, PreTrainedTokenizerBase

from engine.contract import MemoryInfo
from engine.data.dataset import Dataset, Row
from engine.data.encode import Batch, collate
from engine.data.spec import HeadSpec
from engine.data.targets import encode_for
from engine.memory.estimate import Plan, estimate
from engine.memory.room import Room
from engine.methods import method_class
from engine.models.base import read_config, read_reader
from engine.models.families import family_of
from engine.runs.config import RunConfig
from engine.training.heads import head_for

CANDIDATES = 4
"""The longest texts are sought among so many times as many as a batch has, by their letters."""


def memory(config: RunConfig, held: int = 0) -> MemoryInfo:
    """The memory that a run will take on this machine, of which its base may already hold some; loads no weights.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used.
    """
    return estimate(plan_of(config.checked(), Room.here().device), Room.here(held))


def plan_of(config: RunConfig, device: str) -> Plan:
    """What the run will compute at its largest step.

    Raises:
        WorkbenchError: A setting, the model or the data cannot be used.
    """
    training, settings = config.of_training(), config.of_method()
    base, reader = _read(config.model, trusted=training.trust_remote_code)
    family = family_of(base.model_type)
    cls = method_class(config.method)
    cls.must_serve(family, base.model_type)
    dataset = config.load_data(reader)
    head = head_for(training, family, dataset, config.model)
    limit = getattr(base, "max_position_embeddings", None) or training.max_len
    template = getattr(settings, "template", None) or None
    batch = largest_batch(reader, dataset.within(template), training.batch_size, min(training.max_len, limit), head)
    return Plan(
        config=base,
        method=config.method,
        settings=settings,
        training=training,
        batch=batch,
        head=head,
        device=device,
        reader=reader,
    )


@functools.lru_cache(maxsize=8)
def _read(name: str, *, trusted: bool) -> tuple[PreTrainedConfig, PreTrainedTokenizerBase]:
    config = read_config(name, trust_remote_code=trusted)
    reader = read_reader(name, family_of(config.model_type), trust_remote_code=trusted)
    assert isinstance(reader, PreTrainedTokenizerBase), "runs train on text"
    if reader.pad_token_id is None:
        reader.pad_token = reader.eos_token
    return config, reader


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
