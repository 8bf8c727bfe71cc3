"""What will be trained on, counted before the start: rows that are cut, empty, duplicated, or known from training."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from engine.data.dataset import Dataset, Row
from engine.data.encode import encode_for, encode_training
from engine.data.head_spec import HeadSpec
from engine.data.preview_values import DataReport, TextCounts, TokenCounts
from engine.data.splits import SPLITS
from engine.data.token_texts import spells
from engine.data.tokenise import Example
from engine.data.windows import uncut

MEASURED_ROWS = 5000
"""Training rows whose tokens are counted, evenly spaced; texts are compared in all rows."""

BARS = 20
NO_LIMIT = 10**9
"""A limit that no row reaches."""


def report_on(
    tokenizer: PreTrainedTokenizerBase,
    dataset: Dataset,
    max_seq_len: int,
    spec: HeadSpec | None = None,
    measured: int = MEASURED_ROWS,
) -> DataReport:
    """Count over a dataset's rows.

    Args:
        tokenizer: The model's.
        dataset: In the template that the run will use.
        max_seq_len: Longest row in tokens.
        spec: What a task head predicts, if one trains.
        measured: Training rows whose tokens are counted, evenly spaced.

    Raises:
        DataError: No token would carry a label, or a row's response is none of the head's classes, or no number.
    """
    rows = {split: dataset.rows(split) for split in SPLITS}
    step = max(1, -(-len(rows["train"]) // measured))
    sample = rows["train"][::step]
    train = dataset.source.tables["train"] if dataset.source else None
    beside = train.beside if train else None
    return DataReport(
        rows={split: len(each) for split, each in rows.items()},
        dropped=sum(dataset.source.dropped.values()) if dataset.source else 0,
        repeated=dataset.source.repeated if dataset.source else 0,
        cut=train.cut if train else False,
        encoding=train.encoding if train else "",
        unread=dataset.source.unread if dataset.source else {},
        doubt=dataset.source.doubt if dataset.source else "",
        pictures=sum(map(bool, beside.column("path").to_pylist())) if beside else None,
        several=sum(beside.column("several").to_pylist()) if beside else 0,
        texts=count_texts(rows["train"], [row for split in SPLITS[1:] for row in rows[split]]),
        tokens=count_tokens(tokenizer, dataset, sample, max_seq_len, spec),
    )


def count_texts(train: Sequence[Row], others: Sequence[Row]) -> TextCounts:
    """Compare the texts of training rows with each other and with those of the other splits."""
    seen: set[int] = set()
    asked: set[int] = set()
    unasked = unanswered = duplicates = 0
    for row in train:
        text = hash((_normalised(row.prompt), _normalised(row.response), row.picture))
        duplicates += text in seen
        seen.add(text)
        asked.add(_question(row))
        unasked += not row.prompt.strip()
        unanswered += bool(row.prompt.strip()) and not row.response.strip() and row.passage is None
    no_questions = unasked == len(train)  # plain texts: nothing is missing
    return TextCounts(
        empty=unanswered if no_questions else unasked + unanswered,
        duplicates=duplicates,
        leaking=sum(_question(row) in asked for row in others),
    )


def count_tokens(
    tokenizer: PreTrainedTokenizerBase, dataset: Dataset, rows: Sequence[Row], max_seq_len: int, spec: HeadSpec | None
) -> TokenCounts:
    """Encode rows uncut, and count what the limit cuts off.

    Raises:
        DataError: See `report_on`.
    """
    examples = encode_for(tokenizer, dataset, rows, NO_LIMIT, spec and uncut(spec))
    windows = len(encode_training(tokenizer, dataset, rows, max_seq_len, spec)) if spec and spec.span else 0
    sizes = sorted(len(example.ids) for example in examples)
    answers = [sum(example.labelled) for example in examples]
    kept = sum(min(size, max_seq_len) for size in sizes)
    labelled = sum(min(answer, max_seq_len) for answer in answers)
    return TokenCounts(
        measured=len(rows),
        truncated=0 if windows else sum(size > max_seq_len for size in sizes),
        windows=windows,
        overlong=sum(answer > max_seq_len for answer in answers),
        unknown=sum(_unknown(tokenizer, example) for example in examples),
        spelled=_spelled(tokenizer, rows, examples),
        special=sum(_spells_special(tokenizer, row) for row in rows),
        labelled=labelled,
        masked=kept - labelled,
        longest=sizes[-1],
        median=sizes[len(sizes) // 2],
        lengths=histogram(sizes),
    )


def histogram(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """(upper end, count) of up to twenty bars of one width that reach from 0 to the largest size."""
    width = max(1, -(-max(sizes) // BARS))
    counts = [0] * -(-max(sizes) // width)
    for size in sizes:
        counts[max(0, size - 1) // width] += 1
    return [(width * (number + 1), count) for number, count in enumerate(counts)]


def _unknown(tokenizer: PreTrainedTokenizerBase, example: Example) -> bool:
    return tokenizer.unk_token_id is not None and tokenizer.unk_token_id in example.ids


def _spelled(tokenizer: PreTrainedTokenizerBase, rows: Sequence[Row], examples: Sequence[Example]) -> int:
    """Rows most of whose signs are spelled by two tokens or more."""
    parts = {index for index in set().union(*(example.ids for example in examples)) if spells(tokenizer, index)}
    spelled = 0
    for row, example in zip(rows, examples, strict=True):
        text = row.prompt + row.response
        signs = sum(not sign.isascii() for sign in text)
        spelled += 2 * signs > len(text) and sum(index in parts for index in example.ids) >= 2 * signs
    return spelled


def _spells_special(tokenizer: PreTrainedTokenizerBase, row: Row) -> bool:
    return any(token in row.prompt or token in row.response for token in tokenizer.all_special_tokens)


def _question(row: Row) -> int:
    """Hash of a row's prompt, or of its response where the prompt is empty; and of which picture it is about."""
    text = _normalised(row.prompt) or ("" if row.picture else _normalised(row.response))
    return hash((text, row.picture))


def _normalised(text: str) -> str:
    return " ".join(text.split())
