"""From rows to token ids: the template filled, and which tokens carry a label.

From the bottom up: texts to ids, one row to an example, many rows to examples.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from transformers import PreTrainedTokenizerBase
from typing_extensions import override

from engine.core.errors import DataError
from engine.data.dataset import Dataset, Row
from engine.data.row import Span
from engine.data.slots import SLOT
from engine.data.templates import fill

IGNORE = -100
"""Label of a token that is not trained on."""

MLM_STRIDE = 7
"""One token of this many is masked for a masked language model: close to BERT's 15 %."""

MLM_FIRST = 3
"""Index of the first token that is masked."""

TOKENIZER_BATCH = 2048
"""Texts that a tokenizer gets in one call."""


Target = int | float | Span
"""A class, a number, or two places."""


@dataclass(frozen=True, slots=True)
class Example:
    """One encoded row.

    Attributes:
        ids: Token ids of template, response and end-of-text.
        answer_at: Index of the response's first token; every token from there on carries a label, but for asides.
        target: The class or number that a task head shall predict, or the places of an answer's first and last token.
        mlm_labels: Ids of tokens that were masked and shall be predicted, by their index.
        picture: What is read instead of tokens where there are none; else what stands beside them.
        asides: Where the response has tokens without label, as indices.
        second: Index of the first token with token type 1, where two texts are joined; None where all have type 0.
    """

    ids: list[int]
    answer_at: int
    target: Target | None = None
    mlm_labels: dict[int, int] = field(default_factory=dict)
    picture: Path | None = None
    asides: tuple[Span, ...] = ()
    second: int | None = None

    @property
    def labelled(self) -> list[bool]:
        """Of each token, whether it carries a label as part of the response."""
        out = [at >= self.answer_at for at in range(len(self.ids))]
        for start, end in self.asides:
            out[start:end] = [False] * len(out[start:end])
        return out


class LazyExamples(Sequence[Example]):
    """Rows that are encoded when they are first wanted, and then kept: a run on many rows need not wait for all."""

    def __init__(self, rows: Sequence[Row], encode: Callable[[Sequence[Row]], list[Example]]) -> None:
        self._rows, self._encode = rows, encode
        self._encoded: dict[int, Example] = {}

    def encode(self, indices: Iterable[int]) -> None:
        """Encode these rows together, as far as they are not encoded yet: that is faster than one by one."""
        new = [index for index in indices if index not in self._encoded]
        self._encoded.update(zip(new, self._encode([self._rows[index] for index in new]), strict=True))

    @override
    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...
    @override
    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        indices = range(len(self))[index]
        if isinstance(indices, int):
            self.encode([indices])
            return self._encoded[indices]
        self.encode(indices)
        return [self._encoded[each] for each in indices]


def encode_prompt(tokenizer: PreTrainedTokenizerBase, template: str, prompt: str) -> list[int]:
    """Token ids of a filled template; the i-th place for a virtual token, `{p}`, becomes the slot -1 - i."""
    parts = template.split(SLOT)
    if len(parts) == 1:
        return _opened_once(tokenizer, [tokenizer.encode(fill(template, prompt))])[0]
    before, after = special_tokens_around(tokenizer)
    after = [] if _closes(tokenizer, after) else after
    ids = list(before)
    for number, part in enumerate(parts):
        if number:
            ids.append(-number)
        if part:
            ids += tokenizer.encode(fill(part, prompt), add_special_tokens=False)
    return (ids[1:] if before and ids[: len(before) + 1] == [*before, before[-1]] else ids) + after


def _opened_once(tokenizer: PreTrainedTokenizerBase, texts: list[list[int]]) -> list[list[int]]:
    """Encoded texts with begin-of-text once, where they spell it themselves; and open, for an answer to follow."""
    before, after = special_tokens_around(tokenizer)
    doubled = [*before, before[-1]] if before else []
    if doubled:
        texts = [ids[1:] if ids[: len(doubled)] == doubled else ids for ids in texts]
    return [ids[: -len(after)] for ids in texts] if _closes(tokenizer, after) else texts


def _closes(tokenizer: PreTrainedTokenizerBase, after: list[int]) -> bool:
    """Whether the tokenizer itself ends every text. What separates texts, such as RoBERTa's </s>, is no end."""
    eos = tokenizer.eos_token_id
    return after[-1:] == [eos] and eos != tokenizer.sep_token_id


def special_tokens_around(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """What the tokenizer puts before and after every text: nothing, <bos>, or [CLS] and [SEP]."""
    bare, special = tokenizer.encode("a", add_special_tokens=False), tokenizer.encode("a")
    start = next(at for at in range(len(special)) if special[at : at + len(bare)] == bare)
    return special[:start], special[start + len(bare) :]


def encode_prompts(tokenizer: PreTrainedTokenizerBase, dataset: Dataset, rows: Sequence[Row]) -> list[list[int]]:
    """The same as `encode_prompt` row by row, in a fraction of the time: the tokenizer takes many texts at once."""
    templates = [dataset.template_of(row) for row in rows]
    prompts = [row.prompt for row in rows]
    if any(SLOT in template for template in templates):
        return [encode_prompt(tokenizer, *pair) for pair in zip(templates, prompts, strict=True)]
    return _opened_once(
        tokenizer, encode_texts(tokenizer, [fill(*pair) for pair in zip(templates, prompts, strict=True)])
    )


def encode_texts(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], *, add_special_tokens: bool = True
) -> list[list[int]]:
    """Token ids of many texts."""
    ids: list[list[int]] = []
    for start in range(0, len(texts), TOKENIZER_BATCH):
        part = list(texts[start : start + TOKENIZER_BATCH])
        ids += tokenizer(part, add_special_tokens=add_special_tokens, verbose=False)["input_ids"]
    return ids


def encode_for_head(
    tokenizer: PreTrainedTokenizerBase, template: str, prompt: str, max_seq_len: int, pooling: str
) -> list[int]:
    """Token ids that a head reads. Too long a text loses the end that the head does not read from."""
    return truncate_for_pooling(tokenizer, encode_prompt(tokenizer, template, prompt), max_seq_len, pooling)


def truncate_for_pooling(
    tokenizer: PreTrainedTokenizerBase, ids: list[int], max_seq_len: int, pooling: str
) -> list[int]:
    """Encoded text for a head. Too long a one loses the end that the head does not read from."""
    if len(ids) <= max_seq_len:
        return ids
    if pooling == "last":
        return _truncate_prompt(ids, len(ids) - max_seq_len, opening_of(tokenizer, ids))
    closing = len(tokenizer.encode("")[1:])  # what stands behind every text, such as [SEP], stays
    return ids[: max_seq_len - closing] + ids[len(ids) - closing :]


def encode_row(tokenizer: PreTrainedTokenizerBase, dataset: Dataset, row: Row, max_seq_len: int) -> Example:
    """Encode one row; the prompt is cut at its beginning when the row is longer than `max_seq_len`, its slots last."""
    prompt = encode_prompt(tokenizer, dataset.template_of(row), row.prompt)
    response = tokenizer.encode(row.response, add_special_tokens=False) if not row.asides else []
    return _joined(tokenizer, prompt, response, max_seq_len, row)


def _joined(
    tokenizer: PreTrainedTokenizerBase, prompt: list[int], response: list[int], max_seq_len: int, row: Row
) -> Example:
    """Prompt, response and end-of-text as one example, with the picture beside them."""
    asides = list[Span]()
    if row.asides:
        response, asides = _several_answers(tokenizer, row)
    response = [*response, tokenizer.eos_token_id]
    if asides and len(prompt) + asides[0][0] <= max_seq_len:  # of several answers the last ones are cut off
        response = response[: max_seq_len - len(prompt)]
    response = response[:max_seq_len]
    surplus = len(prompt) + len(response) - max_seq_len
    prompt = _truncate_prompt(prompt, surplus, opening_of(tokenizer, prompt) if surplus > 0 else 0)
    places = ((len(prompt) + start, min(len(prompt) + end, max_seq_len)) for start, end in asides)
    kept = tuple((start, end) for start, end in places if start < end)
    return Example(prompt + response, len(prompt), picture=row.picture, asides=kept)


def _several_answers(tokenizer: PreTrainedTokenizerBase, row: Row) -> tuple[list[int], list[Span]]:
    """A response with several answers: its token ids, and where they are not learned. Each answer is ended by a token.

    Answers and what stands between them are encoded apart, as an answer is encoded apart from its question.
    """
    ends = {tokenizer.eos_token_id, *tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
    ids, asides, done = list[int](), list[Span](), 0
    for start, end in row.asides:
        ids += tokenizer.encode(row.response[done:start], add_special_tokens=False)
        if not ids or ids[-1] not in ends:
            ids.append(tokenizer.eos_token_id)
        aside = tokenizer.encode(row.response[start:end], add_special_tokens=False)
        asides.append((len(ids), len(ids) + len(aside)))
        ids, done = ids + aside, end
    return ids + tokenizer.encode(row.response[done:], add_special_tokens=False), asides


def opening_of(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> int:
    """How many special tokens stand in front of a text, such as begin-of-text."""
    before, _ = special_tokens_around(tokenizer)
    return len(before) if ids[: len(before)] == before else 0


def _truncate_prompt(prompt: list[int], surplus: int, opening: int) -> list[int]:
    """The prompt without its first `surplus` words. Slots go when no word is left, the last first; then the opening."""
    if surplus <= 0:
        return prompt
    order = [at for at, index in enumerate(prompt) if index >= 0 and at >= opening]
    order += [at for at, index in reversed(list(enumerate(prompt))) if index < 0]
    order += range(opening)
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
    examples = encode_unchecked(tokenizer, dataset, rows, max_seq_len)
    answered = any(row.response.strip() for row in rows)
    if not answered or not any(len(example.ids) - example.answer_at > 1 for example in examples):
        raise DataError(
            "no_labels",
            f"Every response of dataset {dataset.name!r} is empty, so there is nothing to learn.",
            name=dataset.name,
        )
    return examples


def encode_unchecked(
    tokenizer: PreTrainedTokenizerBase, dataset: Dataset, rows: Sequence[Row], max_seq_len: int
) -> list[Example]:
    """The same as `encode_row` row by row, in less time; no row needs to carry a label."""
    prompts = encode_prompts(tokenizer, dataset, rows)
    texts = [row.response if not row.asides else "" for row in rows]
    responses = encode_texts(tokenizer, texts, add_special_tokens=False)
    return [
        _joined(tokenizer, prompt, response, max_seq_len, row)
        for row, prompt, response in zip(rows, prompts, responses, strict=True)
    ]


def encode_plain(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_seq_len: int) -> list[Example]:
    """Encode plain text for a causal language model; every token but the first carries a label."""
    encoded = _opened_once(tokenizer, [tokenizer.encode(text) for text in texts])
    return [Example([*ids, tokenizer.eos_token_id][:max_seq_len], 1) for ids in encoded]


def encode_masked(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_seq_len: int) -> list[Example]:
    """Encode plain text for a masked language model: every seventh token is masked and carries a label.

    Returns:
        No examples where the tokenizer has no mask token.
    """
    if tokenizer.mask_token_id is None:
        return []
    examples = []
    for text in texts:
        ids = tokenizer.encode(text, truncation=True, max_length=max_seq_len)
        labels = {at: ids[at] for at in range(MLM_FIRST, len(ids) - 1, MLM_STRIDE)}
        masked = [tokenizer.mask_token_id if at in labels else index for at, index in enumerate(ids)]
        examples.append(Example(masked, len(ids), mlm_labels=labels))
    return examples
