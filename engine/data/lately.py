"""What was made lately, so that whoever needs it next finds it made: the worker finds what its asker has written."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Lately(Generic[T]):
    """The values that were asked for last. Safe from any thread; none waits for another that makes a value.

    Args:
        most: How many are kept.
        seconds: How long.
    """

    def __init__(self, most: int, seconds: float = math.inf) -> None:
        self._most, self._seconds = most, seconds
        self._kept: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: Hashable) -> T | None:
        """The value of a key; None where it is not kept."""
        with self._lock:
            ends, value = self._kept.get(key, (0.0, None))
            if time.monotonic() >= ends:
                return None
            self._kept.move_to_end(key)
            return value

    def keep(self, key: Hashable, value: T) -> T:
        """Keep a value, and forget the oldest one beyond the number; returns it."""
        with self._lock:
            self._kept[key] = time.monotonic() + self._seconds, value
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return value
