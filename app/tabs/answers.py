"""Which sessions are waiting for an answer, so that each can stop its own and none asks twice at once."""

import threading
from dataclasses import dataclass, field

from engine.core.errors import WorkbenchError

PATIENCE_S = 10.0
"""Seconds that a question waits for an answer to give way; it does after a token."""


@dataclass(eq=False)
class Answer:
    """One that is being written.

    Attributes:
        gives_way: Whether nobody asked for it: it was begun since the strength or the step changed.
        stop: Set when it shall end where it is.
        given_up: Whether a question has taken its place, so that it is not shown any more.
        turned: Whether strength or step were changed while it was written.
        halted: Whether somebody stopped it.
    """

    gives_way: bool
    stop: threading.Event = field(default_factory=threading.Event)
    given_up: bool = False
    turned: bool = False
    halted: bool = False


class Answers:
    """At most one answer per session. Safe from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._present: dict[str, Answer] = {}
        self._outdated: set[str] = set()

    def begin(self, session: str, *, gives_way: bool = False) -> Answer:
        """A fresh answer; a present one that gives way ends first.

        Raises:
            WorkbenchError: The session is still being answered.
        """
        with self._changed:
            present = self._present.get(session)
            if present is not None and present.gives_way:
                present.given_up = True
                present.stop.set()
                self._changed.wait_for(lambda: self._present.get(session) is not present, PATIENCE_S)
            if session in self._present:
                raise WorkbenchError("busy_answering", "An answer is still being written: stop it first.")
            answer = self._present[session] = Answer(gives_way)
            return answer

    def stop(self, session: str) -> None:
        """Let the session's answer end where it is."""
        with self._changed:
            if answer := self._present.get(session):
                answer.halted = True
                answer.stop.set()

    def end(self, session: str) -> None:
        """Forget the session's answer, after stopping it."""
        with self._changed:
            self._outdated.discard(session)
            if answer := self._present.pop(session, None):
                answer.stop.set()
                if answer.turned and not answer.halted:
                    self._outdated.add(session)
            self._changed.notify_all()

    def turn(self, session: str) -> bool:
        """Note that strength or step were changed; returns whether an answer is written that gives no way."""
        with self._changed:
            answer = self._present.get(session)
            if answer is None or answer.gives_way:
                return False
            answer.turned = True
            return True

    def outdated(self, session: str) -> bool:
        """Whether the last answer was `turn`ed meanwhile and nobody stopped it; tells it once."""
        with self._changed:
            told = session in self._outdated
            self._outdated.discard(session)
            return told
