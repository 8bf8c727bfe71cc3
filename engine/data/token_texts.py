"""What tokens say, so that a person can read them in a row, whatever script they spell.

Byte-level tokenizers spell a character that they hardly know with several tokens, none of which is text by itself:
those are read together.
"""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

REPLACEMENT = "\ufffd"
"""What stands for a part of a character."""

MOST_BYTES = 4
"""Bytes of the longest character in UTF-8, and so the most tokens that spell one."""

CONTINUES = "##"
"""What WordPiece writes before a piece that continues a word."""

SPACES = ("\u2581", "\u0120")
"""How SentencePiece and byte-level BPE write the space before a word."""

FIRST_IDEOGRAPH = "\u2e80"
"""From here on come the scripts of East Asia, which write words without spaces between them."""


def token_texts(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> list[str]:
    """The text of each token, with the space in front of it.

    Of the tokens that spell one character, the first has it, and the others have none. Bytes that are no character
    stand as the tokenizer writes them, and the id -n as virtual token [n].
    """
    texts: list[str] = []
    while len(texts) < len(ids):
        texts += _next_texts(tokenizer, ids[len(texts) : len(texts) + MOST_BYTES])
    return texts


def spells(tokenizer: PreTrainedTokenizerBase, index: int) -> bool:
    """Whether a token is but a part of a character."""
    return index >= 0 and REPLACEMENT in str(tokenizer.decode([index]))


def is_word(tokenizer: PreTrainedTokenizerBase, index: int) -> bool:
    """Whether a token is a word of its own: letters behind a space, or of a script that puts none between words."""
    text = _text(tokenizer, index)
    word = text.strip()
    return word.isalpha() and (text.startswith(" ") or word[0] >= FIRST_IDEOGRAPH)


def _next_texts(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> list[str]:
    """The texts of the first of some tokens, and of those that spell a character with it."""
    first = _text(tokenizer, ids[0])
    if REPLACEMENT not in first:
        return [first]
    for count in range(2, len(ids) + 1):
        if ids[count - 1] < 0:
            break
        text = str(tokenizer.decode(list(ids[:count])))
        if REPLACEMENT not in text:
            return [text] + [""] * (count - 1)
    return [str(tokenizer.convert_ids_to_tokens(ids[0]))]


def _text(tokenizer: PreTrainedTokenizerBase, index: int) -> str:
    if index < 0:
        return f"[{-index}]"
    text, written = str(tokenizer.decode([index])), str(tokenizer.convert_ids_to_tokens(index))
    if REPLACEMENT in text:
        return text
    if written.startswith(CONTINUES) and _is_word_piece(tokenizer):
        return written.removeprefix(CONTINUES)
    opens = written.startswith(SPACES) or _is_word_piece(tokenizer)
    return f" {text}" if opens and not text.startswith(" ") else text


def _is_word_piece(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether tokens are words and pieces that continue them, as BERT's, whose decoder drops every space."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return backend is not None and type(backend.model).__name__ == "WordPiece"
