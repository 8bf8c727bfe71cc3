"""Failed attempts to log in: after a few, the next one has to wait, longer each time."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

FREE = {"both": 3, "address": 30, "name": 100}
"""Failures without a wait: of an address with a name, of an address with any, of a name from anywhere."""
LONGEST_S = {"both": 900, "address": 900, "name": 60}
"""A name's own wait stays short, since somebody else can cause it."""
FORGOTTEN_S = 3600
KEPT = 10_000

Key = tuple[str, str, str]


class Attempts:
    """Counts failures. Safe from any thread.

    Args:
        now: The time in seconds, from any beginning.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failed: OrderedDict[Key, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, address: str, name: str) -> int:
        """Seconds until the next attempt is looked at; 0 for at once."""
        with self._lock:
            return max(self._wait(key) for key in _keys(address, name))

    def failed(self, address: str, name: str) -> None:
        """Count a failure."""
        with self._lock:
            for key in _keys(address, name):
                self._failed[key] = (self._count(key) + 1, self._now())
                self._failed.move_to_end(key)
            while len(self._failed) > KEPT:
                self._failed.popitem(last=False)

    def passed(self, address: str, name: str) -> None:
        """Forget the failures of somebody who had only mistyped."""
        with self._lock:
            self._failed.pop(("both", address, name), None)

    def _count(self, key: Key) -> int:
        count, at = self._failed.get(key, (0, 0.0))
        return count if self._now() - at < FORGOTTEN_S else 0

    def _wait(self, key: Key) -> int:
        over = self._count(key) - FREE[key[0]]
        if over < 0:
            return 0
        wait = min(2.0 ** min(over, 20), LONGEST_S[key[0]])
        return max(0, round(self._failed[key][1] + wait - self._now() + 0.5))


def _keys(address: str, name: str) -> tuple[Key, Key, Key]:
    return ("both", address, name), ("address", address, ""), ("name", "", name)
