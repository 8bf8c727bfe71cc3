"""What the test rows of a run answer to a question, for whoever asks it in the chat. Needs no torch."""

from dataclasses import dataclass
from itertools import islice

from engine.config.run import RunConfig
from engine.core.errors import WorkbenchError
from engine.evaluation.lines import first_line
from engine.inference.messages import without_share

MOST_ROWS = 5000
"""Test rows that are looked through."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a question's answer should be.

    Attributes:
        answers: Of the rows that ask it; several where it has several references.
        exact: Whether another answer is wrong; else there are many ways to say it, or numbers are estimated.
    """

    answers: tuple[str, ...]
    exact: bool

    def judges(self, answer: str) -> bool | None:
        """Whether an answer is right: its first line is that of a reference. None where that says nothing.

        Of a head's answer that is the likeliest label, without its probability.
        """
        right = without_share(first_line(answer)) in map(first_line, self.answers)
        return right if right or self.exact else None


def reference(config: RunConfig, question: str) -> Reference | None:
    """The reference of a question that stands among a run's test rows; None where it does not, or they are gone.

    Args:
        config: The run's.
        question: As it was typed, about no picture.
    """
    try:
        dataset = config.load_data()
        rows = islice(dataset.rows("test"), MOST_ROWS)
        asked = [row.response for row in rows if row.prompt.strip() == question.strip() and row.picture is None]
    except (WorkbenchError, OSError):
        return None
    one_way = bool(dataset.labels) or (dataset.source is None and dataset.metric == "exact_match")
    exact = one_way and not dataset.task
    return Reference(tuple(dict.fromkeys(asked)), exact) if asked else None
