"""The JSON of SQuAD 1.1 and 2.0: articles of paragraphs of questions, as one row per question."""

from collections.abc import Iterator
from typing import Any

COLUMNS = ("id", "title", "context", "question", "answers")
"""Those of a row: the names that SQuAD has on the hub."""


def is_squad(articles: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether these are articles with paragraphs, each a context and its questions."""
    if not isinstance(articles, list) or not articles or not all(isinstance(one, dict) for one in articles):
        return False
    paragraphs = next((one["paragraphs"] for one in articles if one.get("paragraphs")), None)
    return (
        isinstance(paragraphs, list)
        and isinstance(paragraphs[0], dict)
        and isinstance(paragraphs[0].get("context"), str)
        and isinstance(paragraphs[0].get("qas"), list)
    )


def squad_rows(articles: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A row per question; one that the text does not answer has an empty list of answers.

    What does not have the form of a paragraph or a question becomes a row in which that is missing: rows of which
    nothing can be made are counted where rows are chosen.
    """
    for article in articles:
        for paragraph in _objects(article.get("paragraphs")):
            for asked in _objects(paragraph.get("qas")):
                yield {
                    "id": asked.get("id"),
                    "title": article.get("title"),
                    "context": paragraph.get("context"),
                    "question": asked.get("question"),
                    "answers": [] if asked.get("is_impossible") is True else asked.get("answers"),
                }


def _objects(values: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any JSON value
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
