"""Answers that a span head marks in texts: the likeliest pairs of a first and a last token, over all windows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from engine.core.parts import InParts, Parts
from engine.data.batching import Collator
from engine.data.head_spec import SpanSpec
from engine.data.passage import Answer, Passage
from engine.data.windows import Window, Windows
from engine.inference.messages import with_share
from engine.methods.parts.task_head import TaskHead
from engine.models.view import View

MOST_ANSWERS = 20
"""Answers that are kept of each question, and of each window."""

SHOWN = 5
"""Answers that are shown with their probabilities."""

NO_ANSWER = "(no answer)"
"""How a text shows that there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanPrediction:
    """What a span head says of one question.

    Attributes:
        answers: The best answers with their scores, best first: the logit of the first token and that of the last.
        absent: Score of "the text does not say": the lowest of all windows, since each of the others may hold nothing.
        abstains: Whether "the text does not say" is an answer.
        loss: Nats per end of the answer to learn, mean of the windows.
    """

    answers: list[tuple[Answer, float]]
    absent: float
    abstains: bool
    loss: float

    @classmethod
    def of(
        cls, found: Sequence[tuple[Answer, float]], absent: Sequence[float], losses: Sequence[float], spec: SpanSpec
    ) -> Self:
        """Put together what the windows of a text say; the same answer in two of them counts once."""
        best: dict[Answer, float] = {}
        for answer, score in sorted(found, key=lambda pair: -pair[1]):
            best.setdefault(answer, score)
        return cls(
            answers=list(best.items())[:MOST_ANSWERS],
            absent=min(absent),
            abstains=spec.abstains,
            loss=sum(losses) / len(losses),
        )

    @property
    def doubt(self) -> float:
        """By how much "the text does not say" scores better than the best answer."""
        return self.absent - self.answers[0][1] if self.answers else math.inf

    def answer(self, threshold: float = 0.0) -> Answer | None:
        """The best answer; None where the text does not say, with a doubt above the threshold."""
        if not self.answers or (self.abstains and self.doubt > threshold):
            return None
        return self.answers[0][0]

    @property
    def probabilities(self) -> list[tuple[Answer | None, float]]:
        """Answers, None for "the text does not say", with their share of all that are kept, likeliest first."""
        told: list[tuple[Answer | None, float]] = list(self.answers)
        told += [(None, self.absent)] if self.abstains or not told else []
        shares = torch.tensor([score for _, score in told]).softmax(0).tolist()
        return sorted(zip((answer for answer, _ in told), shares, strict=True), key=lambda pair: -pair[1])

    @property
    def text(self) -> str:
        """A line per answer with its probability, likeliest first; words that stand in several places once."""
        lines: dict[str, float] = {}
        for answer, share in self.probabilities:
            lines.setdefault(NO_ANSWER if answer is None else " ".join(answer.text.split()), share)
        return "\n".join(with_share(said, share) for said, share in list(lines.items())[:SHOWN])


@InParts
def predict_spans(
    view: View, head: TaskHead, windows: Windows, collate: Collator, size: int = 16
) -> Parts[list[SpanPrediction]]:
    """A prediction for each of the rows that the windows are of. A part is a batch."""
    assert head.spec.span is not None
    found: list[list[tuple[Answer, float]]] = [[] for _ in windows.passages]
    absent: list[list[float]] = [[] for _ in windows.passages]
    losses: list[list[float]] = [[] for _ in windows.passages]
    every = sorted((windows.window(index) for index in range(len(windows))), key=lambda one: len(one.example.ids))
    for start in range(0, len(every), size):
        part = every[start : start + size]
        inputs = collate([window.example for window in part]).inputs
        with torch.no_grad():
            scores = head(view.hidden(inputs), inputs).cpu()
        for window, row in zip(part, scores, strict=True):
            found[window.row] += answers_in(window, row, windows.passages[window.row], head.spec.span.longest)
            place = 0 if head.spec.pooling == "first" else len(window.example.ids) - 1
            absent[window.row].append(float(row[:, place].sum()))
            losses[window.row].append(float(nn.functional.cross_entropy(row, torch.tensor(window.target))))
        yield
    return [SpanPrediction.of(*told, head.spec.span) for told in zip(found, absent, losses, strict=True)]


def answers_in(
    window: Window, scores: Float[Tensor, "2 t"], passage: Passage, longest: int
) -> list[tuple[Answer, float]]:
    """The best answers of a window: of all pairs of tokens of the text that are no more than `longest` tokens."""
    n = len(window.offsets)
    starts, ends = scores[:, window.first : window.first + n]
    pairs = (starts[:, None] + ends[None, :]).masked_fill(~torch.ones(n, n, dtype=torch.bool).triu(), -math.inf)
    pairs = pairs.masked_fill(torch.ones(n, n, dtype=torch.bool).triu(longest), -math.inf)
    top = pairs.flatten().topk(min(MOST_ANSWERS, n * n))
    answers = []
    for place, score in zip(top.indices.tolist(), top.values.tolist(), strict=True):
        first, last = divmod(place, n)
        start, end = int(window.offsets[first, 0]), int(window.offsets[last, 1])
        text = passage.context[start:end]
        if score > -math.inf and text.strip():
            answers.append((Answer(text.strip(), start + len(text) - len(text.lstrip())), score))
    return answers
