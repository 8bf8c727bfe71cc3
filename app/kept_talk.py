"""The chat as a browser's tab keeps it over a reload and a change of language: what was said, and who was asked."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from app.turns import Turn

COLUMNS = 3
PICTURE = re.compile(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Talk:
    """The chat's values.

    Attributes:
        turns: What was asked and answered, the oldest first.
        columns: Run and step in the menus of each column, the third too.
        third: Whether the third column is shown.
        strength: Of the adapters.
        alone: Whether each question stands alone.
        alone_chosen: Whether somebody chose that.
        system: How to answer.
        passage: The text that is asked about.
        around: What is written around a question.
        sampling: How tokens are chosen.
    """

    turns: list[Turn]
    columns: tuple[tuple[str, int], ...]
    third: bool
    strength: float
    alone: bool
    alone_chosen: bool
    system: str
    around: str
    sampling: dict[str, Any]
    passage: str = ""


_TALK = TypeAdapter(Talk)
_ON_THE_SERVER = {"turns": {"__all__": {"picture_path", "reference"}}}  # a path there, and what it can look up again


def as_text(talk: Talk) -> str:
    """The chat as JSON, without paths of the server."""
    return _TALK.dump_json(talk, exclude=_ON_THE_SERVER).decode()


def from_text(text: str) -> Talk:
    """The chat that a browser kept.

    Raises:
        ValueError: It is none: a page of another version kept it, or somebody made it up.
    """
    talk = _TALK.validate_json(text)
    if len(talk.columns) != COLUMNS:
        raise ValueError("other columns")
    for turn in talk.turns:
        if len(turn.answers) != len(turn.columns) or not turn.done:
            raise ValueError("a question without its answers")
        if turn.picture and not PICTURE.fullmatch(turn.picture):
            raise ValueError("what is no picture in place of one")
        turn.picture_path, turn.reference = "", None
    return talk
