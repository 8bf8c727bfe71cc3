"""From rows to token ids: the template filled, which tokens carry a label, and what a task head shall say of a row."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from transformers import BaseImageProcessor, PreTrainedTokenizerBase
from typing_extensions import override

from engine.core.errors import DataError
from engine.data.dataset import Dataset, Row, fill
from engine.data.head_spec import HeadSpec

IGNORE = -100
"""Label of a token that is not trained on."""

MLM_STRIDE = 7
"""One token of this many is covered where a model fills gaps: BERT's 15 %."""

EAGER_ROWS = 2048
"""Training rows that are encoded before a run begins."""

TOKENIZER_BATCH = 2048
"""Rows that are encoded at once."""


SLOT = "{p}"
"""Where a template wants a virtual token."""


@dataclass(frozen=True, slots=True)
class Example:
    """One encoded row.

    Attributes:
        ids: Token ids of template, response and end-of-text.
        answer_at: Index of the response's first token; every token from there on carries a label.
        target: The class or number that a task head shall say.
        mlm_labels: Tokens that were covered and shall be guessed, by their place.
        picture: What is read instead of tokens, of which there are none then.
    """

    ids: list[int]
    answer_at: int
    target: int | float | None = None
    mlm_labels: dict[int, int] = field(default_factory=dict)
    picture: Path | None = None


class LazyExamples(Sequence[Example]):
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


def encode_prompt(tokenizer: PreTrainedTokenizerBase, template: str, prompt: str) -> list[int]:
    """Token ids of a filled template; its mark `{p}` number i becomes the slot -1 - i, for the i-th virtual token."""
    parts = template.split(SLOT)
    if len(parts) == 1:
        return tokenizer.encode(fill(template, prompt))
    before, after = _around(tokenizer)
    ids = list(before)
    for slot, part in enumerate(parts):
        if slot:
            ids.append(-slot)
        if part:
            ids += tokenizer.encode(fill(part, prompt), add_special_tokens=False)
    return ids + after


def _around(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """What the tokenizer puts before and after every text: nothing, <bos>, or [CLS] and [SEP]."""
    bare, whole = tokenizer.encode("a", add_special_tokens=False), tokenizer.encode("a")
    start = next(at for at in range(len(whole)) if whole[at : at + len(bare)] == bare)
    return whole[:start], whole[start + len(bare) :]


def encode_row(tokenizer: PreTrainedTokenizerBase, dataset: Dataset, row: Row, max_seq_len: int) -> Example:
    """Encode one row; the prompt is cut at its beginning when the row is longer than `max_seq_len`, its slots last."""
    prompt = encode_prompt(tokenizer, dataset.template_of(row), row.prompt)
    return _example(tokenizer, prompt, tokenizer.encode(row.response, add_special_tokens=False), max_seq_len)


def _example(tokenizer: PreTrainedTokenizerBase, prompt: list[int], answer: list[int], max_seq_len: int) -> Example:
    answer = [*answer, tokenizer.eos_token_id][:max_seq_len]
    prompt = _cut(prompt, len(prompt) + len(answer) - max_seq_len)
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
    tokenizer: PreTrainedTokenizerBase, dataset: Dataset, rows: Sequence[Row], max_seq_len: int
) -> list[Example]:
    """Encode all rows.

    Raises:
        DataError: No token of any row carries a label, so nothing could be learned.
    """
    rows = list(rows)
    examples = encode_any(tokenizer, dataset, rows, max_seq_len)
    said = any(row.response.strip() for row in rows)
    if not said or not any(len(example.ids) - example.answer_at > 1 for example in examples):
        raise DataError(
            "no_labels",
            f"Every response of dataset {dataset.name!r} is empty, so there is nothing to learn.",
            name=dataset.name,
        )
    return examples


def encode_any(
    tokenizer: PreTrainedTokenizerBase, dataset: Dataset, rows: Sequence[Row], max_seq_len: int
) -> list[Example]:
    """Encode rows of which none needs to carry a label: the same as `encode_row` row by row, in less time."""
    prompts = encode_prompts(tokenizer, dataset, rows)
    answers = _together(tokenizer, [row.response for row in rows], add_special_tokens=False)
    return [_example(tokenizer, *pair, max_seq_len) for pair in zip(prompts, answers, strict=True)]


def encode_prompts(tokenizer: PreTrainedTokenizerBase, dataset: Dataset, rows: Sequence[Row]) -> list[list[int]]:
    """The same as `encode_prompt` row by row, in a fraction of the time: the tokenizer takes many texts at once."""
    templates = [dataset.template_of(row) for row in rows]
    if any(SLOT in template for template in templates):
        return [encode_prompt(tokenizer, *pair) for pair in zip(templates, (row.prompt for row in rows), strict=True)]
    return _together(tokenizer, [fill(template, row.prompt) for template, row in zip(templates, rows, strict=True)])


def _together(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], *, add_special_tokens: bool = True
) -> list[list[int]]:
    """Token ids of many texts."""
    found: list[list[int]] = []
    for start in range(0, len(texts), TOKENIZER_BATCH):
        part = list(texts[start : start + TOKENIZER_BATCH])
        found += tokenizer(part, add_special_tokens=add_special_tokens, verbose=False)["input_ids"]
    return found


def encode_plain(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_seq_len: int) -> list[Example]:
    """Encode plain text; every token but the first carries a label."""
    return [Example([*tokenizer.encode(text), tokenizer.eos_token_id][:max_seq_len], 1) for text in texts]


def encode_masked(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_seq_len: int) -> list[Example]:
    """Encode plain text for a model that fills gaps: every seventh token is covered. None where it has no mask."""
    if tokenizer.mask_token_id is None:
        return []
    examples = []
    for text in texts:
        ids = tokenizer.encode(text, truncation=True, max_length=max_seq_len)
        mlm_labels = {place: ids[place] for place in range(3, len(ids) - 1, MLM_STRIDE)}
        covered = [tokenizer.mask_token_id if place in mlm_labels else index for place, index in enumerate(ids)]
        examples.append(Example(covered, len(ids), mlm_labels=mlm_labels))
    return examples


def encode_for(
    processor: PreTrainedTokenizerBase | BaseImageProcessor,
    dataset: Dataset,
    rows: Sequence[Row],
    max_seq_len: int,
    spec: HeadSpec | None,
) -> list[Example]:
    """Encode all rows for a head, or for writing the response in words when there is none.

    Of a picture only its place is kept: it is read when its batch comes.

    Raises:
        DataError: Nothing could be learned from the rows.
    """
    if not isinstance(processor, PreTrainedTokenizerBase):
        assert spec is not None, "pictures are judged by a head"
        return [Example([], 0, spec.target(row, dataset.name), picture=row.picture) for row in rows]
    if spec is None:
        return encode_rows(processor, dataset, rows, max_seq_len)
    rows = list(rows)
    return [
        Example(ids, len(ids), spec.target(row, dataset.name))
        for row, whole in zip(rows, encode_prompts(processor, dataset, rows), strict=True)
        for ids in [_cut_for_head(processor, whole, max_seq_len, spec.pooling)]
    ]


def encode_training(
    processor: PreTrainedTokenizerBase | BaseImageProcessor,
    dataset: Dataset,
    rows: Sequence[Row],
    max_seq_len: int,
    spec: HeadSpec | None,
) -> Sequence[Example]:
    """As `encode_for`; of many rows only the first are encoded at once, the others when they are wanted.

    Raises:
        DataError: Nothing could be learned from the rows.
    """
    if len(rows) <= EAGER_ROWS:
        return encode_for(processor, dataset, rows, max_seq_len, spec)
    try:
        encode_for(processor, dataset, rows[:EAGER_ROWS], max_seq_len, spec)
    except DataError:
        return encode_for(processor, dataset, rows, max_seq_len, spec)  # what the first rows lack, others may have
    if spec is None and isinstance(processor, PreTrainedTokenizerBase):
        return LazyExamples(rows, lambda some: encode_any(processor, dataset, some, max_seq_len))
    return LazyExamples(rows, lambda some: encode_for(processor, dataset, some, max_seq_len, spec))


def encode_text(
    tokenizer: PreTrainedTokenizerBase, template: str, prompt: str, max_seq_len: int, pooling: str
) -> list[int]:
    """Token ids that a head reads. Too long a text loses the end that the head does not read from."""
    return _cut_for_head(tokenizer, encode_prompt(tokenizer, template, prompt), max_seq_len, pooling)


def _cut_for_head(tokenizer: PreTrainedTokenizerBase, ids: list[int], max_seq_len: int, pooling: str) -> list[int]:
    if len(ids) <= max_seq_len:
        return ids
    if pooling == "last":
        return ids[-max_seq_len:]
    closing = len(tokenizer.encode("")[1:])  # what stands behind every text, such as [SEP], stays
    return ids[: max_seq_len - closing] + ids[len(ids) - closing :]
