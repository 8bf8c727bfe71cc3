"""What is asked in the chat and what is answered, as values. Needs no torch."""

from dataclasses import dataclass

from engine.core.sampling import Sampling


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatSide:
    """One column of the chat.

    Attributes:
        run: Id of a run, None for the untuned base.
        step: A step with a snapshot; None for the newest state (of an active run: the present parameters).
        strength: 0 is the base, 1 the trained model.
    """

    run: str | None = None
    step: int | None = None
    strength: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatRequest:
    """One prompt to all columns of the chat, which must share one model.

    Attributes:
        template: Put the prompt into the template of the side's run, else of the first side that has one.
        picture: Path of the picture to classify, for models that read pictures; empty for text.
    """

    prompt: str
    sides: tuple[ChatSide, ...]
    sampling: Sampling
    template: bool = True
    picture: str = ""


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
    """

    texts: tuple[str | None, ...]
    done: bool
    difference: float | None
    tokens_per_s: float
