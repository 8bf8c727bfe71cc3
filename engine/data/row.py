"""One example of a dataset."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One example: what is asked, and what the model shall answer.

    Attributes:
        template: Text around this row's prompt where it differs from the dataset's, as Alpaca's does for rows with an
            input; None takes the dataset's.
    """

    prompt: str
    response: str
    template: str | None = None
