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
    """

    gives_way: bool
    stop: threading.Event = field(default_factory=threading.Event)
    given_up: bool = False


class Answers:
    """At most one answer per session. Safe from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._present: dict[str, Answer] = {}

    def begin(self, session: str, *, gives_way: bool = False) -> Answer:
        """A fresh answer; one that gives way ends first.

        Raises:
            WorkbenchError: The session is still being answered.
        """
        with self._changed:
            present = self._present.get(session)
            if present is not None and present.gives_way and not gives_way:
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
                answer.stop.set()

    def end(self, session: str) -> None:
        """Forget the session's answer, after stopping it."""
        with self._changed:
            if answer := self._present.pop(session, None):
                answer.stop.set()
            self._changed.notify_all()

    def busy(self, session: str) -> bool:
        """Whether the session is being answered."""
        with self._changed:
            return session in self._present
