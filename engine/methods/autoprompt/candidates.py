"""Which words a trigger may hold, and what the gradient says of each in one place of it."""

import re
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from engine.data.token_texts import is_word, spells, token_texts

ROWS = 8192
"""Entries of the vocabulary that are turned into fp32 at once."""


def allowed_tokens(
    tokenizer: PreTrainedTokenizerBase, v: int, labels: Sequence[str], *, only_words: bool
) -> Bool[Tensor, " v"]:
    """Which of the v entries of a vocabulary may stand in a trigger.

    These are tokens that are printable text by themselves. Left out are special and added tokens, and whatever reads
    like a word of the labels or a piece of one: a trigger shall not hold the answer. With `only_words` they are whole
    words in lower case, so that a name cannot be one, and the text reads the same when it is typed; a tokenizer that
    has no such words, as one of single characters, allows all that is text.
    """
    special = {*tokenizer.all_special_ids, *tokenizer.get_added_vocab().values()}
    answers = _words_of(tokenizer, labels)
    texts = torch.zeros(v, dtype=torch.bool)
    words = torch.zeros(v, dtype=torch.bool)
    for index in range(min(v, len(tokenizer))):
        text = None if index in special else _text_of(tokenizer, index)
        if text and text.casefold() not in answers:
            texts[index] = True
            words[index] = only_words and _is_plain_word(tokenizer, index, text)
    return words if bool(words.any()) else texts


def first_tokens(
    tokenizer: PreTrainedTokenizerBase, drawn: Sequence[int], count: int, *, only_words: bool
) -> list[int]:
    """The first of some drawn tokens that may stand in a trigger, as `allowed_tokens` has it without labels.

    Only as many are looked at as that takes. Where there are fewer they are repeated.
    """
    special = {*tokenizer.all_special_ids, *tokenizer.get_added_vocab().values()}
    texts, words = list[int](), list[int]()
    for index in drawn:
        text = None if index in special or index >= len(tokenizer) else _text_of(tokenizer, index)
        if text:
            texts.append(index)
            words += [index] if not only_words or _is_plain_word(tokenizer, index, text) else []
        if len(words) == count:
            return words
    found = words or texts or [0]
    return [found[at % len(found)] for at in range(count)]


def _text_of(tokenizer: PreTrainedTokenizerBase, index: int) -> str | None:
    """What a token says, without spaces around it; None where it cannot be printed."""
    if spells(tokenizer, index):
        return None
    text = token_texts(tokenizer, [index])[0].strip()
    return text if text.isprintable() else None


def _is_plain_word(tokenizer: PreTrainedTokenizerBase, index: int, text: str) -> bool:
    """Whether a token that says this is a whole word in lower case."""
    return text == text.lower() and is_word(tokenizer, index)


def _words_of(tokenizer: PreTrainedTokenizerBase, labels: Sequence[str]) -> set[str]:
    """The words of labels and the tokens that spell them, behind a space or not, in lower case."""
    found = {word for label in labels for word in re.findall(r"\w+", label)}
    for written in (written for label in labels for written in (label, f" {label}")):
        found |= {text.strip() for text in token_texts(tokenizer, tokenizer.encode(written, add_special_tokens=False))}
    return {word.casefold() for word in found if word}


def estimated_changes(
    vocabulary: Float[Tensor, "v d"], current: Float[Tensor, " d"], gradient: Float[Tensor, " d"]
) -> Float[Tensor, " v"]:
    """First-order estimate of the loss's change, in nats, by each entry in one place (HotFlip): (E(w) - e) · dL/de."""
    scores = torch.cat([entries.float() @ gradient for entries in vocabulary.split(ROWS)])
    return scores - current @ gradient
