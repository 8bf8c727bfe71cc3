"""Chat columns whose head marks the answer in a text: what they say of a question, and where the answer stands."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.core.errors import DataError
from engine.data.batching import collator_of
from engine.data.dataset import Dataset, Row
from engine.data.passage import Passage
from engine.data.windows import Windows
from engine.inference.column import ChatColumn
from engine.inference.messages import question_and_text
from engine.inference.spans import SpanPrediction, predict_spans
from engine.models.base import Base

Place = tuple[int, int]
"""Where an answer begins and ends, in characters."""


def marked(base: Base, columns: Sequence[ChatColumn]) -> dict[int, SpanPrediction]:
    """What the heads of columns mark, by column.

    Raises:
        DataError: There is no text, or no question.
    """
    return {index: _marked(base, column) for index, column in enumerate(columns) if column.marks}


def _marked(base: Base, column: ChatColumn) -> SpanPrediction:
    question, text = question_and_text(column.prompt, column.passage)
    passage = Passage.of(question, text, [])
    if passage is None:
        raise DataError(
            "no_text_to_mark",
            "This model marks answers in a text: give both a question and the text that it is about.",
        )
    assert column.method is not None
    assert column.method.head is not None
    view, tuned = base.view(), column.method.sharing_copy().eval()
    tuned.control.strength = column.strength
    tuned.attach(view.sites)
    asked = Dataset(name="chat", folder=Path(), template=column.template)
    rows = [Row(question, "", passage=passage)]
    windows = Windows(base.tokenizer, asked, rows, view.max_text_tokens, column.method.head.spec)
    (prediction,) = predict_spans(view, column.method.head, windows, collator_of(base))
    return prediction


def places(predictions: dict[int, SpanPrediction], count: int) -> tuple[Place | None, ...]:
    """Where the best answer of each of so many columns stands; nothing where none marks any."""
    answers = {index: answer for index, told in predictions.items() if (answer := told.answer()) is not None}
    found = {index: (answer.start, answer.end) for index, answer in answers.items()}
    return tuple(found.get(index) for index in range(count)) if predictions else ()


def with_texts(columns: Sequence[ChatColumn]) -> list[ChatColumn]:
    """The same columns; those whose head does not tell the text from the question read the text behind the question."""
    return [
        replace(column, prompt=f"{column.prompt}\n\n{column.passage}", passage="")
        if column.passage.strip() and not column.takes_passage
        else column
        for column in columns
    ]
