"""One example of a dataset."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One example: what is asked, and what the model shall answer.

    Attributes:
        template: Text around this row's prompt where it differs from the dataset's, as Alpaca's does for rows with an
            input; None takes the dataset's.
        picture: What is asked about, where it is a picture. In a folder of pictures the prompt is its name, and the
            response its label.
    """

    prompt: str
    response: str
    template: str | None = None
    picture: Path | None = None
