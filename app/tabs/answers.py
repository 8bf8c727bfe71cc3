"""Which sessions are waiting for an answer, so that each can stop its own and none asks twice at once."""

import threading

from engine.core.errors import WorkbenchError


class Answers:
    """One stop signal per session while an answer is being written. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._signals: dict[str, threading.Event] = {}

    def begin(self, session: str) -> threading.Event:
        """A fresh stop signal.

        Raises:
            WorkbenchError: The session is still being answered.
        """
        with self._lock:
            if session in self._signals:
                raise WorkbenchError("busy_answering", "An answer is still being written: stop it first.")
            signal = self._signals[session] = threading.Event()
            return signal

    def stop(self, session: str) -> None:
        """Let the session's answer end where it is."""
        with self._lock:
            if signal := self._signals.get(session):
                signal.set()

    def end(self, session: str) -> None:
        """Forget the session's signal, after setting it."""
        with self._lock:
            if signal := self._signals.pop(session, None):
                signal.set()
