"""What questions list, such as `name: Oak Hall | food: soup`, and how much of it answers say.

The converse of the slot error rate of generation from meaning representations (Wen et al., EMNLP 2015,
https://arxiv.org/abs/1508.01745), without what an answer adds: a value counts as said where it stands in the answer
word for word.
"""

import re
from collections.abc import Sequence

_BRACKETS = re.compile(r"[^\W\d_][\w /-]*\[([^\[\]]+)\]")
_ONLY_BRACKETS = re.compile(rf"\s*{_BRACKETS.pattern}(\s*,\s*{_BRACKETS.pattern})+\s*")
_FLAGS = {"yes", "no"}
"""Said in other words, if at all."""


def facts_of(question: str) -> list[str]:
    """The values that a question lists, as `key: value | key: value` or, as E2E has them, `key[value], key[value]`.

    Empty for any other text, also for one that lists a single value.
    """
    pairs = [part.partition(":") for part in question.split("|")]
    if len(pairs) > 1 and all(key.strip() and value.strip() for key, _, value in pairs):
        values = [value.strip() for _, _, value in pairs]
    elif _ONLY_BRACKETS.fullmatch(question):
        values = [value.strip() for value in _BRACKETS.findall(question)]
    else:
        return []
    return [value for value in values if value and value.casefold() not in _FLAGS]


def facts_said(questions: Sequence[str], answers: Sequence[str]) -> float | None:
    """Share of all listed values that the answers say, from 0 to 100; None unless every question lists some."""
    listed = [facts_of(question) for question in questions]
    if not all(listed) or not listed:
        return None
    said = [_says(answer, value) for values, answer in zip(listed, answers, strict=True) for value in values]
    return round(100 * sum(said) / len(said), 2)


def _says(answer: str, value: str) -> bool:
    """Whether a value stands in an answer, in whole words where its script has spaces between them."""
    begin, end = (r"\b" if letter.isascii() and letter.isalnum() else "" for letter in (value[0], value[-1]))
    return re.search(f"{begin}{re.escape(value.casefold())}{end}", answer.casefold()) is not None
