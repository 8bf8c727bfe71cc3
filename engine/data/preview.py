"""Rows as a model will read them, token by token, with the ones that carry a label marked."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from engine.data.dataset import Dataset, Row
from engine.data.encode import encode_read
from engine.data.head_spec import HeadSpec
from engine.data.preview_values import PreviewRow
from engine.data.token_texts import token_texts
from engine.data.tokenise import Example, encode_row
from engine.data.windows import Window, Windows

NO_LIMIT = 10**6


def preview_rows(
    tokenizer: PreTrainedTokenizerBase,
    dataset: Dataset,
    rows: Sequence[Row],
    *,
    writes: bool,
    max_seq_len: int = NO_LIMIT,
    spec: HeadSpec | None = None,
) -> list[PreviewRow]:
    """Rows token by token.

    Args:
        tokenizer: The model's.
        dataset: In the template that the run will use.
        rows: Some of its rows.
        writes: Whether the response is written; else the text is read, and a head predicts the response.
        max_seq_len: Where rows are cut.
        spec: What a head predicts. Where it marks answers in texts, a row is shown as the window that holds the answer.
    """
    if spec is not None and spec.span:
        return _marked_rows(Windows(tokenizer, dataset, rows, max_seq_len, spec), rows, tokenizer)
    previews = []
    for row in rows:
        if writes:
            example = encode_row(tokenizer, dataset, row, max_seq_len)
        else:
            read = spec or HeadSpec(labels=(), pooling="first")
            ((ids, _),) = encode_read(tokenizer, dataset, [row], max_seq_len, read)
            example = Example(ids, len(ids))
        texts = token_texts(tokenizer, example.ids)
        tokens = [(text, learned) for text, learned in zip(texts, example.labelled, strict=True) if text]
        picture = str(row.picture or "")
        previews.append(PreviewRow(prompt=row.prompt, response=row.response, tokens=tokens, picture=picture))
    return previews


def _marked_rows(windows: Windows, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase) -> list[PreviewRow]:
    """Rows with their answers marked in the text."""
    best: dict[int, Window] = {}
    for index in range(len(windows)):
        window = windows.window(index)
        if window.row not in best or (window.answered and not best[window.row].answered):
            best[window.row] = window
    previews = []
    for number, row in enumerate(rows):
        window = best[number]
        texts = token_texts(tokenizer, window.example.ids)
        marked = range(window.target[0], window.target[1] + 1) if window.answered else ()
        tokens = [(text, at in marked) for at, text in enumerate(texts) if text]
        previews.append(PreviewRow(prompt=row.prompt, response=row.response, tokens=tokens))
    return previews


def picture_rows(rows: Sequence[Row]) -> list[PreviewRow]:
    """Rows that ask about pictures, which have no tokens to show."""
    return [
        PreviewRow(prompt=row.prompt, response=row.response, tokens=[], picture=str(row.picture or "")) for row in rows
    ]
