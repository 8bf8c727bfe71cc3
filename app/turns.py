"""A conversation as values."""

from dataclasses import dataclass, field

from app.words import Say
from engine.inference.messages import ChatSide
from engine.service.reference import Reference


@dataclass(frozen=True, slots=True)
class Heading:
    """Who answers in a column.

    Attributes:
        run: Name of the run; empty for the untuned base.
        step: The step of its state, where that was known.
        strength: 0 is the base, 1 the trained model.
        no_head: Whether it is a base that has no head, beside a column that has one.
    """

    run: str = ""
    step: int | None = None
    strength: float = 1.0
    no_head: bool = False

    def text(self, say: Say) -> str:
        """As it stands above the answer."""
        parts = [self.run or say("common.base")]
        if self.no_head:
            parts.append(say("chat.no_head"))
        if self.step is not None:
            parts.append(say("common.step", step=self.step))
        if self.strength != 1:
            parts.append(say("chat.at_strength", s=f"{self.strength:g}"))
        return " · ".join(parts)


@dataclass
class Turn:
    """One question and what every column answered so far.

    Attributes:
        columns: Who answers in each column.
        answers: None where a column has no answer.
        picture: A small copy of what was asked about, as a data URL; empty for words.
        blind: Columns that answer without the picture, by their number.
        picture_path: Where the picture lies; empty for words.
        passage: The text that is asked about; empty without one.
        marks: Of each column, where its answer stands in that text, in characters; empty where none marks any.
        classified: Whether the picture itself is what is asked.
        heads: Columns that answer through a task head, by their number.
        sides: Run, step and strength of each column.
        alone: Whether it was asked without what was said before.
        system: How to answer, as it was asked.
        forgotten: Of each column, how many of the oldest questions it did not read.
        templates: Of each column, the text around the question; None for the model's own chat template.
        reference: What the test rows answer; None where they do not ask it.
    """

    question: str
    columns: list[Heading]
    answers: list[str | None] = field(default_factory=list)
    done: bool = False
    difference: float | None = None
    tokens_per_s: float = 0.0
    picture: str = ""
    blind: tuple[int, ...] = ()
    picture_path: str = ""
    passage: str = ""
    marks: tuple[tuple[int, int] | None, ...] = ()
    classified: bool = False
    heads: tuple[int, ...] = ()
    sides: tuple[ChatSide, ...] = ()
    alone: bool = True
    system: str = ""
    forgotten: tuple[int, ...] = ()
    templates: tuple[str | None, ...] = ()
    reference: Reference | None = None

    @property
    def lost_picture(self) -> bool:
        """Whether it was about a picture that is not on the server any more, since the page was loaded anew."""
        return bool(self.picture) and not self.picture_path
