"""One column of a chat: what is asked, of which method, and how the question is written."""

from dataclasses import dataclass
from pathlib import Path

from engine.inference.messages import Exchange
from engine.methods.base import Method
from engine.methods.parts.task_head import TaskHead


@dataclass(frozen=True, slots=True)
class ChatColumn:
    """One column of a chat.

    Attributes:
        prompt: Its prompt; for a picture, the picture's name.
        method: Its method; None for the untuned base.
        strength: 0 is the base, 1 the trained model.
        template: Text around a prompt, possibly with slots for virtual tokens.
        picture: The picture to classify, where the model reads pictures; else the one that stands beside the prompt.
        history: What it was asked and answered before, the oldest first.
        system: How to answer; empty for nothing.
        in_chat_template: Whether the tokenizer's chat template writes the conversation; then `template` is what that
            puts around a single question.
        alone: Whether the question stands alone; else its answer also ends where the next question would begin.
        passage: The text that is asked about, apart from the question; empty without.
    """

    prompt: str
    method: Method | None = None
    strength: float = 1.0
    template: str = "{prompt}"
    picture: Path | None = None
    history: tuple[Exchange, ...] = ()
    system: str = ""
    in_chat_template: bool = False
    alone: bool = True
    passage: str = ""

    @property
    def head(self) -> TaskHead | None:
        """Its task head, if it has one instead of generating text."""
        return self.method.head if self.method is not None else None

    @property
    def marks(self) -> bool:
        """Whether its head marks the answer in a text."""
        return self.head is not None and self.head.spec.span is not None

    @property
    def takes_passage(self) -> bool:
        """Whether its head tells the text that is asked about from the question."""
        return self.head is not None and bool(self.head.spec.span or self.head.spec.texts)

    @property
    def seen(self) -> Path | None:
        """The picture beside the conversation: the question's own, else the newest one before it."""
        earlier = (Path(turn.picture) for turn in reversed(self.history) if turn.picture)
        return self.picture or next(earlier, None)
