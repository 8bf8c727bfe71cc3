"""The rows of a run as examples, for a model that writes its answers or for a task head."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from engine.core.errors import DataError
from engine.data.dataset import Dataset, Row
from engine.data.head_spec import HeadSpec
from engine.data.pairs import Joined, encode_pairs
from engine.data.slots import PROMPT
from engine.data.tokenise import (
    Example,
    LazyExamples,
    encode_prompts,
    encode_rows,
    encode_unchecked,
    truncate_for_pooling,
)
from engine.data.windows import Windows
from engine.models.inputs import Processor

EAGER_ROWS = 2048
"""Training rows that are encoded before a run begins."""


def encode_for(
    processor: Processor, dataset: Dataset, rows: Sequence[Row], max_seq_len: int, spec: HeadSpec | None
) -> list[Example]:
    """Encode all rows for a head, or for writing the response in words when there is none.

    Of a picture only its path is kept: it is read when its batch comes. Where a head marks spans, a row of a long text
    is several examples, one per window.

    Raises:
        DataError: Nothing could be learned from the rows.
    """
    if not isinstance(processor, PreTrainedTokenizerBase):
        assert spec is not None, "pictures need a head"
        return [Example([], 0, spec.target(row, dataset.name), picture=row.picture) for row in rows]
    if spec is None:
        return encode_rows(processor, dataset, rows, max_seq_len)
    rows = list(rows)
    if spec.span:
        return list(Windows(processor, dataset, rows, max_seq_len, spec))
    return [
        Example(ids, len(ids), spec.target(row, dataset.name), picture=row.picture, second=second)
        for row, (ids, second) in zip(rows, encode_read(processor, dataset, rows, max_seq_len, spec), strict=True)
    ]


def encode_read(
    tokenizer: PreTrainedTokenizerBase, dataset: Dataset, rows: Sequence[Row], max_seq_len: int, spec: HeadSpec
) -> list[Joined]:
    """What a head that predicts classes or numbers reads of rows: a text each, or two as the tokenizer joins them."""
    pairs = [row.pair for row in rows if row.pair is not None] if spec.texts else []
    if pairs and len(pairs) == len(rows):
        template = dataset.template if dataset.foreign else PROMPT
        return encode_pairs(tokenizer, template, pairs, max_seq_len, typed=spec.token_types)
    prompts = encode_prompts(tokenizer, dataset, rows)
    return [(truncate_for_pooling(tokenizer, prompt, max_seq_len, spec.pooling), None) for prompt in prompts]


def encode_training(
    processor: Processor, dataset: Dataset, rows: Sequence[Row], max_seq_len: int, spec: HeadSpec | None
) -> Sequence[Example]:
    """As `encode_for`; of many rows only the first are encoded at once, the others when they are wanted.

    Raises:
        DataError: Nothing could be learned from the rows.
    """
    if spec is not None and spec.span and isinstance(processor, PreTrainedTokenizerBase):
        return Windows(processor, dataset, rows, max_seq_len, spec)
    if len(rows) <= EAGER_ROWS:
        return encode_for(processor, dataset, rows, max_seq_len, spec)
    try:
        encode_for(processor, dataset, rows[:EAGER_ROWS], max_seq_len, spec)
    except DataError:
        return encode_for(processor, dataset, rows, max_seq_len, spec)  # what the first rows lack, others may have
    if spec is None and isinstance(processor, PreTrainedTokenizerBase):
        return LazyExamples(rows, lambda some: encode_unchecked(processor, dataset, some, max_seq_len))
    return LazyExamples(rows, lambda some: encode_for(processor, dataset, some, max_seq_len, spec))
