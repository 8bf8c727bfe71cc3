"""What a task head predicts, and which class or number a row's response is. Needs no torch: run folders keep it."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

from engine.core.errors import DataError
from engine.data.row import Row


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanSpec:
    """How the answers to questions are marked in texts.

    Attributes:
        window: Most tokens of question and text that are read at once; longer texts are read in windows.
        overlap: Tokens of the text that two windows share.
        longest: Most tokens of an answer.
        abstains: Whether some texts do not hold the answer, so that "no answer" is one.
    """

    window: int
    overlap: int
    longest: int
    abstains: bool

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The spec that these plain values describe.

        Raises:
            ValueError: They describe none.
        """
        if not isinstance(values, dict):
            raise ValueError("span of the head is of another kind")
        sizes = [values.get(name) for name in ("window", "overlap", "longest")]
        if not all(type(size) is int and size >= 0 for size in sizes) or type(values.get("abstains")) is not bool:
            raise ValueError("span of the head is of another kind")
        return cls(**{name: values[name] for name in ("window", "overlap", "longest", "abstains")})


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadSpec:
    """What a task head predicts and what it reads.

    Attributes:
        labels: The classes it chooses from, in the order of its rows; empty when it estimates a number or marks spans.
        pooling: Which token's state it reads: "first", "last", or the "mean" of all. Where it marks spans it reads all
            of them, and this is the one that stands for "no answer".
        span: How it marks the answer in a text; None where it predicts a class or a number.
        texts: Names of the two texts that an encoder reads as its tokenizer joins them; empty where it reads one, and
            for runs of before, which read two as lines of one.
        token_types: Whether the second of two texts that are joined, or the text in which answers are marked, has token
            type 1; False in runs of before.
        centre: The number that a score of 0 stands for.
        spread: How far from it a score of 1 is. Scores are of the size of weights whatever the numbers' unit is.
    """

    labels: tuple[str, ...]
    pooling: str
    span: SpanSpec | None = None
    texts: tuple[str, str] | tuple[()] = ()
    token_types: bool = False
    centre: float = 0.0
    spread: float = 1.0

    def __post_init__(self) -> None:
        """Check what a file may have made of the scale and the texts."""
        if self.texts and (len(self.texts) != 2 or not all(isinstance(name, str) for name in self.texts)):
            raise ValueError(f"the head's texts are {self.texts!r}")
        if not (math.isfinite(self.centre) and math.isfinite(self.spread) and self.spread > 0):
            raise ValueError(f"the head's scale is {self.centre!r} and {self.spread!r}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for run.json and adapter.json."""
        spans = {"span": asdict(self.span)} if self.span else {}
        scale = {} if self.labels or self.span else {"centre": self.centre, "spread": self.spread}
        texts: dict[str, Any] = {"texts": list(self.texts)} if self.texts else {}
        texts |= {"token_types": True} if self.token_types else {}
        return {"labels": list(self.labels), "pooling": self.pooling, **spans, **texts, **scale}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The spec that `to_dict` described.

        Raises:
            ValueError: It describes none.
        """
        span = SpanSpec.from_dict(values["span"]) if values.get("span") else None
        scale = {name: float(values[name]) for name in ("centre", "spread") if name in values}
        texts, types = values.get("texts") or (), values.get("token_types") is True
        if not isinstance(texts, list | tuple):
            raise ValueError(f"the head's texts are {texts!r}")
        labels, pooling = tuple(values["labels"]), values["pooling"]
        return cls(labels=labels, pooling=pooling, span=span, texts=tuple(texts), token_types=types, **scale)

    @property
    def outputs(self) -> int:
        """Numbers that it gives for what it reads: one per class, one number, or the scores of start and end."""
        return 2 if self.span else max(1, len(self.labels))

    def target(self, row: Row, dataset: str) -> int | float:
        """The class that a row's response names, or the score that stands for its number.

        Raises:
            DataError: It names none.
        """
        try:
            if self.labels:
                return self.labels.index(row.response.strip())
            return (_number(row.response) - self.centre) / self.spread
        except ValueError as error:
            wanted = "one of " + ", ".join(self.labels) if self.labels else "a number"
            raise DataError(
                "bad_target",
                f"The dataset {dataset!r} has the response {row.response!r}, but the head needs {wanted}.",
                name=dataset,
                value=row.response,
                wanted=wanted,
            ) from error

    def number(self, score: float) -> float:
        """The number that a score stands for."""
        return self.centre + self.spread * score


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
