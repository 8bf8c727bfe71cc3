"""How many pages are open: the more there are, the less often each asks what is new, so that training goes on."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

GONE_S = 15.0
"""After which a page that asked nothing is closed, or hidden: three times `MOST_MS` of `assets/js/common/live.js`."""
MOST_PAGES = 1000
"""Beyond which the one that was silent longest is forgotten: a program may send any name."""
LONGEST_NAME = 40
"""Characters of a page's name."""


class OpenPages:
    """Counts the pages that ask. Safe from any thread.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def asking(self, page: object) -> int:
        """How many pages are open, with one that asks right now under the name that it gave itself."""
        name, now = str(page)[:LONGEST_NAME], self._clock()
        with self._lock:
            self._asked[name] = now
            self._asked.move_to_end(name)
            while len(self._asked) > MOST_PAGES or now - next(iter(self._asked.values())) > GONE_S:
                self._asked.popitem(last=False)
            return len(self._asked)
