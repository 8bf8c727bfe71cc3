"""Rows as a model will read them, token by token, with the ones that carry a label marked."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from engine.data.dataset import Dataset, Row
from engine.data.preview_values import PreviewRow
from engine.data.tokenise import Example, encode_for_head, encode_prompt, encode_row

NO_LIMIT = 10**6
REPLACEMENT = "\ufffd"
"""What stands for a part of a character."""

CONTINUES = "##"
"""What WordPiece writes before a piece that continues a word."""

SPACES = ("\u2581", "\u0120")
"""How SentencePiece and byte-level BPE write the space before a word."""


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
        tokens = [(token_text(tokenizer, index), at >= example.answer_at) for at, index in enumerate(example.ids)]
        previews.append(PreviewRow(prompt=row.prompt, response=row.response, tokens=tokens))
    return previews


def picture_rows(rows: Sequence[Row]) -> list[PreviewRow]:
    """Rows that ask about pictures, which have no tokens to show."""
    return [
        PreviewRow(prompt=row.prompt, response=row.response, tokens=[], picture=str(row.picture or "")) for row in rows
    ]


def token_text(tokenizer: PreTrainedTokenizerBase, index: int) -> str:
    """A token's text, with the space in front of it, so that pieces in a row can be read.

    A part of a character, which has no text, is shown as the tokenizer writes it.
    """
    if index < 0:
        return f"[{-index}]"
    text, written = str(tokenizer.decode([index])), str(tokenizer.convert_ids_to_tokens(index))
    if REPLACEMENT in text:
        return written
    if written.startswith(CONTINUES) and _is_word_piece(tokenizer):
        return written.removeprefix(CONTINUES)
    opens = written.startswith(SPACES) or _is_word_piece(tokenizer)
    return f" {text}" if opens and not text.startswith(" ") else text


def _is_word_piece(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether tokens are words and pieces that continue them, as BERT's, whose decoder drops every space."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return backend is not None and type(backend.model).__name__ == "WordPiece"
