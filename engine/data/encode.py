"""From rows to padded batches: which tokens carry a label, in which order rows come, and how they are padded."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase
from typing_extensions import override

from engine.data.dataset import Dataset, Row, fill
from engine.errors import DataError
from engine.models.view import Inputs, Tokens

IGNORE = -100
"""Label of a token that is not trained on."""

COVERED = 7
"""One token of this many is covered where a model fills gaps: BERT's 15 %."""

TOGETHER = 2048
"""Rows that are encoded at once."""

WINDOW = 8
"""Batches whose rows are sorted by length together."""

MARK = "{p}"
"""Where a template wants a virtual token."""


@dataclass(frozen=True, slots=True)
class Example:
    """One encoded row.

    Attributes:
        ids: Token ids of template, response and end-of-text.
        answer_at: Index of the response's first token; every token from there on carries a label.
        target: The class or number that a task head shall say.
        blanks: Tokens that were covered and shall be guessed, by their place.
        picture: What is read instead of tokens, of which there are none then.
    """

    ids: list[int]
    answer_at: int
    target: int | float | None = None
    blanks: dict[int, int] = field(default_factory=dict)
    picture: Path | None = None


Targets = Int[Tensor, " b"] | Float[Tensor, " b"]
"""Classes, or numbers."""


class Encoded(Sequence[Example]):
    """Rows that are encoded when they are first wanted, and then kept: a run on many rows need not wait for all."""

    def __init__(self, rows: Sequence[Row], encode: Callable[[Sequence[Row]], list[Example]]) -> None:
        self._rows, self._encode = rows, encode
        self._kept: dict[int, Example] = {}

    def ready(self, places: Iterable[int]) -> None:
        """Encode these rows together, as far as they are not encoded yet: that is faster than one by one."""
        new = [place for place in places if place not in self._kept]
        self._kept.update(zip(new, self._encode([self._rows[place] for place in new]), strict=True))

    @override
    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...
    @override
    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        places = range(len(self))[index]
        if isinstance(places, int):
            self.ready([places])
            return self._kept[places]
        self.ready(places)
        return [self._kept[place] for place in places]


@dataclass(frozen=True, slots=True)
class Batch:
    """A right-padded batch of texts, or one of pictures, with its labels.

    Attributes:
        inputs: Ids and mask, or pixels.
        labels: The token id where a label is carried, `IGNORE` elsewhere; not shifted. Patches of pictures carry none.
        targets: Classes or numbers for a task head; None when tokens carry the labels.
    """

    inputs: Inputs
    labels: Int[Tensor, "b t"]
    targets: Targets | None = None

    @property
    def size(self) -> int:
        """Tokens, padding not counted; of pictures their patches and class tokens."""
        return int(self.inputs.mask.sum()) if isinstance(self.inputs, Tokens) else self.labels.numel()

    def parts(self, count: int) -> Iterator["Batch"]:
        """The batch in up to `count` parts, by rows."""
        for rows in torch.arange(len(self.labels), device=self.labels.device).tensor_split(count):
            if len(rows):
                targets = None if self.targets is None else self.targets[rows]
                yield Batch(self.inputs.of_rows(rows), self.labels[rows], targets)


def encode_prompt(tokenizer: PreTrainedTokenizerBase, template: str, prompt: str) -> list[int]:
    """Token ids of a filled template; its mark `{p}` number i becomes the hole -1 - i, for the i-th virtual token."""
    parts = template.split(MARK)
    if len(parts) == 1:
        return tokenizer.encode(fill(template, prompt))
    before, after = _around(tokenizer)
    ids = list(before)
    for hole, part in enumerate(parts):
        if hole:
            ids.append(-hole)
        if part:
            ids += tokenizer.encode(fill(part, prompt), add_special_tokens=False)
    return ids + after


def _around(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """What the tokenizer puts before and after every text: nothing, <bos>, or [CLS] and [SEP]."""
    bare, whole = tokenizer.encode("a", add_special_tokens=False), tokenizer.encode("a")
    start = next(at for at in range(len(whole)) if whole[at : at + len(bare)] == bare)
    return whole[:start], whole[start + len(bare) :]


def encode_row(tokenizer: PreTrainedTokenizerBase, dataset: Dataset, row: Row, max_len: int) -> Example:
    """Encode one row; the prompt is cut at its beginning when the row is longer than `max_len`, its holes last."""
    prompt = encode_prompt(tokenizer, dataset.template_of(row), row.prompt)
    return _example(tokenizer, prompt, tokenizer.encode(row.response, add_special_tokens=False), max_len)


def _example(tokenizer: PreTrainedTokenizerBase, prompt: list[int], answer: list[int], max_len: int) -> Example:
    answer = [*answer, tokenizer.eos_token_id][:max_len]
    prompt = _cut(prompt, len(prompt) + len(answer) - max_len)
    return Example(prompt + answer, len(prompt))


def _cut(prompt: list[int], surplus: int) -> list[int]:
    """The prompt without its first `surplus` tokens. Holes go only when no word is left, the last first."""
    if surplus <= 0:
        return prompt
    order = [at for at, index in enumerate(prompt) if index >= 0]
    order += [at for at, index in reversed(list(enumerate(prompt))) if index < 0]
    gone = set(order[:surplus])
    return [index for at, index in enumerate(prompt) if at not in gone]


def encode_rows(
    tokenizer: PreTrainedTokenizerBase, dataset: Dataset, rows: Sequence[Row], max_len: int
) -> list[Example]:
    """Encode all rows.

    Raises:
        DataError: No token of any row carries a label, so nothing could be learned.
    """
    rows = list(rows)
    examples = encode_any(tokenizer, dataset, rows, max_len)
    said = any(row.response.strip() for row in rows)
    if not said or not any(len(example.ids) - example.answer_at > 1 for example in examples):
        raise DataError(
            "no_labels",
            f"Every response of dataset {dataset.name!r} is empty, so there is nothing to learn.",
            name=dataset.name,
        )
    return examples


def encode_any(
    tokenizer: PreTrainedTokenizerBase, dataset: Dataset, rows: Sequence[Row], max_len: int
) -> list[Example]:
    """Encode rows of which none needs to carry a label: the same as `encode_row` row by row, in less time."""
    prompts = encode_prompts(tokenizer, dataset, rows)
    answers = _together(tokenizer, [row.response for row in rows], add_special_tokens=False)
    return [_example(tokenizer, *pair, max_len) for pair in zip(prompts, answers, strict=True)]


def encode_prompts(tokenizer: PreTrainedTokenizerBase, dataset: Dataset, rows: Sequence[Row]) -> list[list[int]]:
    """The same as `encode_prompt` row by row, in a fraction of the time: the tokenizer takes many texts at once."""
    templates = [dataset.template_of(row) for row in rows]
    if any(MARK in template for template in templates):
        return [encode_prompt(tokenizer, *pair) for pair in zip(templates, (row.prompt for row in rows), strict=True)]
    return _together(tokenizer, [fill(template, row.prompt) for template, row in zip(templates, rows, strict=True)])


def _together(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], *, add_special_tokens: bool = True
) -> list[list[int]]:
    """Token ids of many texts."""
    found: list[list[int]] = []
    for start in range(0, len(texts), TOGETHER):
        part = list(texts[start : start + TOGETHER])
        found += tokenizer(part, add_special_tokens=add_special_tokens, verbose=False)["input_ids"]
    return found


def encode_plain(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_len: int) -> list[Example]:
    """Encode plain text; every token but the first carries a label."""
    return [Example([*tokenizer.encode(text), tokenizer.eos_token_id][:max_len], 1) for text in texts]


def encode_cloze(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_len: int) -> list[Example]:
    """Encode plain text for a model that fills gaps: every seventh token is covered. None where it has no mask."""
    if tokenizer.mask_token_id is None:
        return []
    examples = []
    for text in texts:
        ids = tokenizer.encode(text, truncation=True, max_length=max_len)
        blanks = {place: ids[place] for place in range(3, len(ids) - 1, COVERED)}
        covered = [tokenizer.mask_token_id if place in blanks else index for place, index in enumerate(ids)]
        examples.append(Example(covered, len(ids), blanks=blanks))
    return examples


def collate(examples: Sequence[Example], pad_id: int, device: torch.device | None = None) -> Batch:
    """Pad texts on the right to the longest."""
    t = max(len(example.ids) for example in examples)
    ids = torch.full((len(examples), t), pad_id)
    mask = torch.zeros(len(examples), t, dtype=torch.bool)
    labels = torch.full((len(examples), t), IGNORE)
    for row, example in enumerate(examples):
        n = len(example.ids)
        ids[row, :n] = torch.tensor(example.ids)
        mask[row, :n] = True
        labels[row, example.answer_at : n] = ids[row, example.answer_at : n]
        for place, index in example.blanks.items():
            labels[row, place] = index
    return Batch(Tokens(ids.to(device), mask.to(device)), labels.to(device), targets_in(examples, device))


def targets_in(examples: Sequence[Example], device: torch.device | None) -> Targets | None:
    """What a task head shall say of each; None where there is none."""
    judged = [example.target for example in examples if example.target is not None]
    return torch.tensor(judged, device=device) if judged else None


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
        for batch in _by_length(epoch_order(len(examples), seed, epoch), examples, size, seed + epoch, place):
            yield batch
            number += 1


def _by_length(
    order: list[int], examples: Sequence[Example], size: int, seed: int, place: int
) -> Iterator[list[Example]]:
    """The batches of an epoch from number `place` on; a window is sorted when its first batch is wanted."""
    shuffle = torch.randperm(-(-len(order) // size), generator=torch.Generator().manual_seed(seed)).tolist()
    windows: dict[int, list[int]] = {}
    for number in shuffle[place:]:
        at, inside = divmod(number, WINDOW)
        if at not in windows:
            part = order[at * WINDOW * size : (at + 1) * WINDOW * size]
            if isinstance(examples, Encoded):
                examples.ready(part)
            windows[at] = sorted(part, key=lambda index: len(examples[index].ids))
        yield [examples[index] for index in windows[at][inside * size : (inside + 1) * size]]


def window(examples: Sequence[Example], size: int) -> Iterator[Sequence[Example]]:
    """All examples once, in order of length, in batches of `size`."""
    ordered = sorted(examples, key=lambda example: len(example.ids))
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]
