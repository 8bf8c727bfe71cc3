"""Rows as a model will read them, token by token, with the ones that carry a label marked."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from engine.data.dataset import Dataset, Row
from engine.data.preview_values import PreviewRow
from engine.data.token_texts import token_texts
from engine.data.tokenise import Example, encode_for_head, encode_prompt, encode_row

NO_LIMIT = 10**6


def preview_rows(
    tokenizer: PreTrainedTokenizerBase,
    dataset: Dataset,
    rows: Sequence[Row],
    *,
    writes: bool,
    max_seq_len: int = NO_LIMIT,
) -> list[PreviewRow]:
    """Rows token by token.

    Args:
        tokenizer: The model's.
        dataset: In the template that the run will use.
        rows: Some of its rows.
        writes: Whether the response is written; else the text is read, and a head predicts the response.
        max_seq_len: Where rows are cut.
    """
    previews = []
    for row in rows:
        if writes:
            example = encode_row(tokenizer, dataset, row, max_seq_len)
        else:
            ids = encode_prompt(tokenizer, dataset.template_of(row), row.prompt)
            if len(ids) > max_seq_len:
                ids = encode_for_head(tokenizer, dataset.template_of(row), row.prompt, max_seq_len, "first")
            example = Example(ids, len(ids))
        texts = token_texts(tokenizer, example.ids)
        tokens = [(text, at >= example.answer_at) for at, text in enumerate(texts) if text]
        picture = str(row.picture or "")
        previews.append(PreviewRow(prompt=row.prompt, response=row.response, tokens=tokens, picture=picture))
    return previews


def picture_rows(rows: Sequence[Row]) -> list[PreviewRow]:
    """Rows that ask about pictures, which have no tokens to show."""
    return [
        PreviewRow(prompt=row.prompt, response=row.response, tokens=[], picture=str(row.picture or "")) for row in rows
    ]
