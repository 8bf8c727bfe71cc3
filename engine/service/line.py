"""The line in which everybody's jobs wait for the worker: in turns by visitor, and training has turns of its own."""

import queue
import threading
from collections import OrderedDict, deque
from typing import Generic, TypeVar

from engine.core.errors import SettingError

J = TypeVar("J")
MOST_WAITING = 8
"""Questions of one visitor that wait at once, where there are several visitors."""
MOST_OF_ALL = 24
"""Of all visitors: each holds one of the threads that also serve the pages."""


class FairLine(Generic[J]):
    """Jobs in line. Safe from any thread.

    Commands, as to stop, come first and in order. Questions come in turns: each visitor's oldest, then the next
    visitor's. While something trains, a step is due between two questions. A question with a long answer gives way in
    between: see `goes_on`.
    """

    def __init__(self) -> None:
        self._commands: deque[J] = deque()
        self._questions: OrderedDict[str, deque[J]] = OrderedDict()
        self._step_due = False
        self._changed = threading.Condition()

    def command(self, job: J) -> None:
        """Add a job that goes before all questions."""
        with self._changed:
            self._commands.append(job)
            self._changed.notify()

    def question(self, job: J, visitor: str) -> None:
        """Add a question of a visitor; an empty name is the only user of this machine.

        Raises:
            SettingError: Too many are waiting.
        """
        with self._changed:
            mine = len(self._questions.get(visitor, ()))
            everybodys = sum(map(len, self._questions.values()))
            if (visitor and mine >= MOST_WAITING) or everybodys >= MOST_OF_ALL:
                waiting = mine if visitor and mine >= MOST_WAITING else everybodys
                text = f"{waiting} questions are waiting for an answer already: ask again when some are answered."
                raise SettingError("too_many_questions", text, n=waiting)
            self._questions.setdefault(visitor, deque()).append(job)
            self._changed.notify()

    def goes_on(self, job: J, visitor: str) -> None:
        """Put back a question that has given way: the first of its visitor's, who waits behind all others."""
        with self._changed:
            jobs = self._questions.pop(visitor, deque())
            jobs.appendleft(job)
            self._questions[visitor] = jobs
            self._changed.notify()

    def next(self, *, training: bool) -> J:
        """The next job; waits for one, except while something trains.

        Raises:
            queue.Empty: It is training's turn.
        """
        with self._changed:
            while not self._commands:
                if training and (self._step_due or not self._questions):
                    self._step_due = False
                    raise queue.Empty
                if self._questions:
                    self._step_due = True
                    return self._oldest_of_next()
                self._changed.wait()
            return self._commands.popleft()

    def _oldest_of_next(self) -> J:
        visitor, jobs = self._questions.popitem(last=False)
        job = jobs.popleft()
        if jobs:
            self._questions[visitor] = jobs  # behind all others
        return job
