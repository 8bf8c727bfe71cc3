"""The export of a method that finds words: a text file, of which nothing is needed to use it anywhere else."""

from pathlib import Path

from engine.core.atomic import write_text
from engine.core.errors import ExchangeError
from engine.methods.base import Method
from engine.models.base import Base

FILE = "text.txt"


def need_words(cls: type[Method]) -> None:
    """Refuse methods whose result is no text, or more than that.

    Raises:
        ExchangeError: It is one.
    """
    if not cls.spec.finds_words:
        raise _refused(f"what {cls.spec.title} finds is not made of words")


def as_words(method: Method) -> str:
    """The text; empty for an adapter without numbers.

    Raises:
        ExchangeError: The method finds no words, or a task head has learned with it.
    """
    need_words(type(method))
    if method.head is not None:
        raise _refused("its task head is not made of words")
    return method.text or ""


def export_words(method: Method, _: Base, folder: Path) -> None:
    """Write the text into a folder as `text.txt`, in UTF-8.

    Raises:
        ExchangeError: As in `as_words`.
    """
    write_text(folder / FILE, as_words(method))


def _refused(reason: str) -> ExchangeError:
    return ExchangeError(
        "no_words", f"This adapter cannot be exported as text: {reason}; export as a Gatelight adapter.", reason=reason
    )
