"""From rows to padded batches: which tokens carry a label, in which order rows come, and how they are padded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from engine.data.dataset import Dataset, Row
from engine.errors import DataError
from engine.models.view import Tokens

IGNORE = -100
"""Label of a token that is not trained on."""


@dataclass(frozen=True, slots=True)
class Example:
    """One encoded row.

    Attributes:
        ids: Token ids of template, response and end-of-text.
        answer_at: Index of the response's first token; every token from there on carries a label.
    """

    ids: list[int]
    answer_at: int


@dataclass(frozen=True, slots=True)
class Batch:
    """A right-padded batch with its labels.

    Attributes:
        tokens: Ids and mask.
        labels: The token id where a label is carried, `IGNORE` elsewhere; not shifted.
    """

    tokens: Tokens
    labels: Int[Tensor, "b t"]

    @property
    def size(self) -> int:
        """Tokens, padding not counted."""
        return int(self.tokens.mask.sum())


def encode_row(tokenizer: PreTrainedTokenizerBase, dataset: Dataset, row: Row, max_len: int) -> Example:
    """Encode one row; the prompt is cut at its beginning when the row is longer than `max_len`."""
    prompt = tokenizer.encode(dataset.fill(row.prompt))
    answer = [*tokenizer.encode(row.response, add_special_tokens=False), tokenizer.eos_token_id]
    answer = answer[:max_len]
    prompt = prompt[max(0, len(prompt) + len(answer) - max_len) :]
    return Example(prompt + answer, len(prompt))


def encode_rows(
    tokenizer: PreTrainedTokenizerBase, dataset: Dataset, rows: Sequence[Row], max_len: int
) -> list[Example]:
    """Encode all rows.

    Raises:
        DataError: No token of any row carries a label, so nothing could be learned.
    """
    examples = [encode_row(tokenizer, dataset, row, max_len) for row in rows]
    if not any(row.response.strip() for row in rows):
        raise DataError(
            "no_labels",
            f"Every response of dataset {dataset.name!r} is empty, so there is nothing to learn.",
            name=dataset.name,
        )
    return examples


def encode_plain(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_len: int) -> list[Example]:
    """Encode plain text; every token but the first carries a label."""
    return [Example([*tokenizer.encode(text), tokenizer.eos_token_id][:max_len], 1) for text in texts]


def collate(examples: Sequence[Example], pad_id: int, device: torch.device | None = None) -> Batch:
    """Pad on the right to the longest example."""
    t = max(len(example.ids) for example in examples)
    ids = torch.full((len(examples), t), pad_id)
    mask = torch.zeros(len(examples), t, dtype=torch.bool)
    labels = torch.full((len(examples), t), IGNORE)
    for row, example in enumerate(examples):
        n = len(example.ids)
        ids[row, :n] = torch.tensor(example.ids)
        mask[row, :n] = True
        labels[row, example.answer_at : n] = ids[row, example.answer_at : n]
    return Batch(Tokens(ids.to(device), mask.to(device)), labels.to(device))


def epoch_order(count: int, seed: int, epoch: int) -> list[int]:
    """The order of rows in one epoch: depends on nothing but its arguments, so a resumed run finds its place."""
    rng = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(count, generator=rng).tolist()


def batches_from(examples: Sequence[Example], size: int, seed: int, first: int) -> Iterator[list[Example]]:
    """Endless batches, epoch after epoch, starting with batch number `first`. The last batch of an epoch may be short.

    Within a window of eight batches rows are sorted by length, so that little padding is computed; the windows'
    batches are then shuffled again.
    """
    per_epoch = -(-len(examples) // size)
    number = first
    while True:
        epoch, place = divmod(number, per_epoch)
        order = _by_length(epoch_order(len(examples), seed, epoch), examples, size, seed + epoch)
        for batch in order[place:]:
            yield [examples[index] for index in batch]
            number += 1


def _by_length(order: list[int], examples: Sequence[Example], size: int, seed: int) -> list[list[int]]:
    window = 8 * size
    batches: list[list[int]] = []
    for start in range(0, len(order), window):
        part = sorted(order[start : start + window], key=lambda index: len(examples[index].ids))
        batches += [part[at : at + size] for at in range(0, len(part), size)]
    shuffle = torch.randperm(len(batches), generator=torch.Generator().manual_seed(seed)).tolist()
    return [batches[index] for index in shuffle]


def window(examples: Sequence[Example], size: int) -> Iterator[Sequence[Example]]:
    """All examples once, in order of length, in batches of `size`."""
    ordered = sorted(examples, key=lambda example: len(example.ids))
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]
