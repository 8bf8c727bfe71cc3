"""Rows for a task head: the text alone, and the class or number that it belongs to."""

from collections.abc import Sequence

from transformers import BaseImageProcessor, PreTrainedTokenizerBase

from engine.data.dataset import Dataset, Row
from engine.data.encode import Encoded, Example, encode_any, encode_prompt, encode_prompts, encode_rows
from engine.data.spec import HeadSpec
from engine.errors import DataError

AT_ONCE = 2048
"""Training rows that are encoded before a run begins."""


def encode_for(
    reader: PreTrainedTokenizerBase | BaseImageProcessor,
    dataset: Dataset,
    rows: Sequence[Row],
    max_len: int,
    spec: HeadSpec | None,
) -> list[Example]:
    """Encode all rows for a head, or for writing the response in words when there is none.

    Of a picture only its place is kept: it is read when its batch comes.

    Raises:
        DataError: Nothing could be learned from the rows.
    """
    if not isinstance(reader, PreTrainedTokenizerBase):
        assert spec is not None, "pictures are judged by a head"
        return [Example([], 0, spec.target(row, dataset.name), picture=row.picture) for row in rows]
    if spec is None:
        return encode_rows(reader, dataset, rows, max_len)
    rows = list(rows)
    return [
        Example(ids, len(ids), spec.target(row, dataset.name))
        for row, whole in zip(rows, encode_prompts(reader, dataset, rows), strict=True)
        for ids in [_cut(reader, whole, max_len, spec.pooling)]
    ]


def encode_training(
    reader: PreTrainedTokenizerBase | BaseImageProcessor,
    dataset: Dataset,
    rows: Sequence[Row],
    max_len: int,
    spec: HeadSpec | None,
) -> Sequence[Example]:
    """As `encode_for`; of many rows only the first are encoded at once, the others when they are wanted.

    Raises:
        DataError: Nothing could be learned from the rows.
    """
    if len(rows) <= AT_ONCE:
        return encode_for(reader, dataset, rows, max_len, spec)
    try:
        encode_for(reader, dataset, rows[:AT_ONCE], max_len, spec)
    except DataError:
        return encode_for(reader, dataset, rows, max_len, spec)  # what the first rows lack, others may have
    if spec is None and isinstance(reader, PreTrainedTokenizerBase):
        return Encoded(rows, lambda some: encode_any(reader, dataset, some, max_len))
    return Encoded(rows, lambda some: encode_for(reader, dataset, some, max_len, spec))


def encode_text(
    tokenizer: PreTrainedTokenizerBase, template: str, prompt: str, max_len: int, pooling: str
) -> list[int]:
    """Token ids that a head reads. Too long a text loses the end that the head does not read from."""
    return _cut(tokenizer, encode_prompt(tokenizer, template, prompt), max_len, pooling)


def _cut(tokenizer: PreTrainedTokenizerBase, ids: list[int], max_len: int, pooling: str) -> list[int]:
    if len(ids) <= max_len:
        return ids
    if pooling == "last":
        return ids[-max_len:]
    closing = len(tokenizer.encode("")[1:])  # what stands behind every text, such as [SEP], stays
    return ids[: max_len - closing] + ids[len(ids) - closing :]
