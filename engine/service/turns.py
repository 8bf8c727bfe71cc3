"""Turns of those who look at data or weigh a run, which needs no worker: few at once, and each visitor's in order."""

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.core.errors import SettingError

AT_ONCE = 3
"""Of all visitors, of whom each has one."""
AT_ONCE_BESIDE_TRAINING = 1
"""While a run trains: it keeps at least half of the machine."""
MOST_WAITING = 8
"""Of one visitor, where there are several."""
MOST_OF_ALL = 64
"""Each holds one of the threads that also serve the pages, see `app.server`."""


class Turns:
    """Lets few go on at once; the others wait, and each visitor's oldest goes before another one's second.

    Args:
        training: Whether a run trains right now.
    """

    def __init__(self, training: Callable[[], bool] = lambda: False) -> None:
        self._training = training
        self._at_work: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[threading.Event]] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, visitor: str) -> Iterator[None]:
        """Wait for a turn, and have it until the context ends.

        Args:
            visitor: Whose it is; an empty name is the only user of this machine, who may have all turns.

        Raises:
            SettingError: Too many are waiting.
        """
        go = threading.Event()
        with self._lock:
            self._refuse_if_full(visitor)
            self._waiting.setdefault(visitor, deque()).append(go)
            self._admit()
        go.wait()
        try:
            yield
        finally:
            with self._lock:
                self._at_work[visitor] -= 1
                self._at_work += Counter()  # forgets those without any
                self._admit()

    def _refuse_if_full(self, visitor: str) -> None:
        mine, everybodys = len(self._waiting.get(visitor, ())), sum(map(len, self._waiting.values()))
        if visitor and (mine >= MOST_WAITING or everybodys >= MOST_OF_ALL):
            n = mine if mine >= MOST_WAITING else everybodys
            text = f"{n} questions are waiting for an answer already: ask again when some are answered."
            raise SettingError("too_many_questions", text, n=n)

    def _admit(self) -> None:
        """Let go whoever may, visitors in turns."""
        most = AT_ONCE_BESIDE_TRAINING if self._training() else AT_ONCE
        while self._at_work.total() < most:
            visitor = next((each for each in self._waiting if not each or not self._at_work[each]), None)
            if visitor is None:
                return
            waiting = self._waiting.pop(visitor)
            self._at_work[visitor] += 1
            waiting.popleft().set()
            if waiting:
                self._waiting[visitor] = waiting  # behind all others
