"""What is asked in the chat and what is answered, as values. Needs no torch."""

import re
from dataclasses import dataclass

from engine.core.sampling import Sampling

SHARE = re.compile(r"  \d+\.\d %$")
"""How a probability stands at the end of a line."""

AROUND = ("trained", "chat", "bare")
"""What is written around a question: what the run was trained with, the model's own chat template, or nothing."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """An earlier question of a conversation, and what the column answered.

    Attributes:
        question: What was asked.
        answer: What this column said.
        picture: Path of the picture that the question was about; empty without one.
    """

    question: str
    answer: str
    picture: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatSide:
    """One column of the chat.

    Attributes:
        run: Id of a run, None for the untuned base.
        step: A step with a snapshot; None for the newest state (of an active run: the present parameters).
        strength: 0 is the base, 1 the trained model.
        history: What this column was asked and answered before, the oldest first; a task head does not read it.
    """

    run: str | None = None
    step: int | None = None
    strength: float = 1.0
    history: tuple[Exchange, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatRequest:
    """One prompt to all columns of the chat, which must share one model.

    Attributes:
        around: One of `AROUND`. "trained" is the template of the side's run, else of the first side that has one.
        picture: Path of the picture to classify, for models that read pictures; empty for text.
        passage: The text that is asked about, apart from the question; empty without.
        system: How to answer, put before the first question; empty for nothing.
        alone: Whether the question stands alone; else an answer also ends where the next question would begin.
        context: Most tokens that are read with the answer; None for as many as the model reads.
    """

    prompt: str
    sides: tuple[ChatSide, ...]
    sampling: Sampling
    around: str = "trained"
    picture: str = ""
    passage: str = ""
    system: str = ""
    alone: bool = True
    context: int | None = None


def with_share(text: str, share: float) -> str:
    """A line of what a head says: a label or an answer, and its probability."""
    return f"{text}  {100 * share:.1f} %"


def without_share(line: str) -> str:
    """Such a line without the probability; any other as it is."""
    return SHARE.sub("", line)


def question_and_text(prompt: str, passage: str) -> tuple[str, str]:
    """A question and the text that it is about; where no text is given apart, it begins behind a blank line."""
    if passage.strip():
        return prompt.strip(), passage
    question, _, text = prompt.strip().partition("\n\n")
    return question, text


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatUpdate:
    """The answers so far.

    Attributes:
        texts: One text per side: an answer, or a line per label for a task head. None where the model cannot generate
            and has no head.
        done: Whether this is the last update.
        difference: Mean KL divergence of the last side's next-token distributions from the first side's, in nats, over
            the last side's answer; for a task head, that of its label distribution from the first side's head, or else
            from the same head on the untuned base. None until it is known, or where it is undefined.
        tokens_per_s: Tokens per second, summed over all sides that generate.
        forgotten: Of each side, how many of its oldest exchanges were left out, so that the rest could be read.
        marks: Of each side, where the best answer begins and ends in the text that was asked about, in characters; None
            where it marks none. Empty where no side marks answers.
        templates: Of each side, the text around its question; None where that is the model's own chat template.
    """

    texts: tuple[str | None, ...]
    done: bool
    difference: float | None
    tokens_per_s: float
    forgotten: tuple[int, ...] = ()
    marks: tuple[tuple[int, int] | None, ...] = ()
    templates: tuple[str | None, ...] = ()
