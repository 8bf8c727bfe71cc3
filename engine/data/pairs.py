"""Two texts as an encoder's tokenizer joins them, which is how models that compare texts were pre-trained.

    [CLS] premise [SEP] hypothesis [SEP]        BERT: token types 0 0 0 1 1
    <s> premise </s></s> hypothesis </s>        RoBERTa: no token types

Of a method's template what stands before the prompt stands before the first text, and the rest behind the second.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from transformers import PreTrainedTokenizerBase

from engine.core.errors import DataError
from engine.data.slots import PROMPT, SLOT
from engine.data.tokenise import encode_texts, special_tokens_around

Pair = tuple[str, str]
"""Two texts; of a head's spec, the names of their columns."""

Joined = tuple[list[int], int | None]
"""Token ids of two texts, and the place of the first that has token type 1; None where all have type 0."""


@dataclass(frozen=True, slots=True)
class Joints:
    """What a tokenizer puts around two texts.

    Attributes:
        before: In front of the first, such as [CLS].
        between: Between them, such as [SEP].
        after: Behind the second.
        typed: Whether the second and what is behind it have token type 1.
    """

    before: list[int]
    between: list[int]
    after: list[int]
    typed: bool

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> "Joints":
        """Those of a tokenizer; where it joins two texts without anything, a line break."""
        bare = tokenizer.encode("a", add_special_tokens=False)
        before, after = special_tokens_around(tokenizer)
        both = tokenizer("a", "a", return_token_type_ids=True)
        ids, types = both["input_ids"][len(before) + len(bare) :], both["token_type_ids"][-len(after) - 1 :]
        joint = next((at for at in range(len(ids)) if ids[at : at + len(bare)] == bare), 0)
        line = tokenizer.encode("\n", add_special_tokens=False)
        return cls(before, ids[:joint] or line, ids[joint + len(bare) :] or after, bool(types) and all(types))

    def join(self, first: list[int], second: list[int]) -> Joined:
        """Two encoded texts as one."""
        start = [*self.before, *first, *self.between]
        return [*start, *second, *self.after], len(start) if self.typed else None

    def room(self, limit: int) -> int:
        """Tokens that are left for the texts."""
        return max(0, limit - len(self.before) - len(self.between) - len(self.after))


def encode_pairs(
    tokenizer: PreTrainedTokenizerBase, template: str, pairs: Sequence[Pair], limit: int, *, typed: bool
) -> list[Joined]:
    """Pairs of texts as token ids; of those that are too long the longer text loses its end, as transformers does it.

    Args:
        tokenizer: Of an encoder.
        template: A method's own, possibly with slots for virtual tokens; `{prompt}` without one.
        pairs: The texts.
        limit: Most tokens.
        typed: Whether the second text has token type 1 where the tokenizer gives it.
    """
    joints, (opening, closing) = Joints.of(tokenizer), template.split(PROMPT)
    joints = replace(joints, typed=joints.typed and typed)
    before, after = _pieces(tokenizer, opening, 0), _pieces(tokenizer, closing, opening.count(SLOT))
    room = max(0, joints.room(limit) - len(before) - len(after))
    firsts = encode_texts(tokenizer, [first for first, _ in pairs], add_special_tokens=False)
    seconds = encode_texts(tokenizer, [second for _, second in pairs], add_special_tokens=False)
    joined = []
    for first, second in zip(firsts, seconds, strict=True):
        most, least = longest_first(len(first), len(second), room)
        joined.append(joints.join([*before, *first[:most]], [*second[:least], *after]))
    return joined


def longest_first(first: int, second: int, room: int) -> tuple[int, int]:
    """Tokens of two texts that are kept: the longer one is cut until they are as long, then both are."""
    if first + second <= room:
        return first, second
    short, long = sorted((first, second))
    short = min(short, room // 2)
    long = min(long, room - short)
    return (short, long) if first <= second else (long, short)


def pair_in(text: str, names: Pair) -> Pair | None:
    """The two texts of a prompt that names each, as a row of two columns does; None where it is not of that form.

    A field of one line has a space where the rows have a line break.
    """
    named = re.compile(rf"{re.escape(names[0])}: (.*?)\s+{re.escape(names[1])}: (.*)", re.DOTALL)
    found = named.fullmatch(text.strip())
    return (found[1], found[2]) if found else None


def asked_pair(text: str, beside: str, names: Pair) -> Pair:
    """The two texts that somebody gave: each named on a line of its own, or the second one apart.

    Raises:
        DataError: There is one text only.
    """
    pair = pair_in(text, names)
    if pair is None and not beside.strip():
        raise DataError(
            "one_text",
            f"This model compares two texts: write '{names[0]}: …' and on the next line '{names[1]}: …'.",
            first=names[0],
            second=names[1],
        )
    return pair or (text, beside)


def _pieces(tokenizer: PreTrainedTokenizerBase, text: str, slots: int) -> list[int]:
    """A part of a template as token ids, behind so many slots; the i-th slot of the template is -1 - i."""
    ids = list[int]()
    for number, part in enumerate(text.split(SLOT)):
        if number:
            ids.append(-(slots + number))
        if part:
            ids += tokenizer.encode(part, add_special_tokens=False)
    return ids
