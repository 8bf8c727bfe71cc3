"""One example of a dataset."""

from dataclasses import dataclass
from pathlib import Path

from engine.data.passage import Passage

Span = tuple[int, int]
"""Where something begins, and where it has ended."""


@dataclass(frozen=True, slots=True)
class Row:
    """One example: what is asked, and what the model shall answer.

    Attributes:
        template: Text around this row's prompt where it differs from the dataset's, as Alpaca's does for rows with an
            input; None takes the dataset's.
        picture: What is asked about, where it is a picture. In a folder of pictures the prompt is its name, and the
            response its label.
        pair: Two texts apart, where the prompt is nothing but these, each named on a line.
        asides: Places in the response that are read and not learned: what others say between several answers.
        passage: The question and the text apart, with the answers' places, where the answer stands in the text.
    """

    prompt: str
    response: str
    template: str | None = None
    picture: Path | None = None
    passage: Passage | None = None
    pair: tuple[str, str] | None = None
    asides: tuple[Span, ...] = ()
