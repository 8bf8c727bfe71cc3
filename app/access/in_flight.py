"""How many requests of one visitor are answered at once, and when the last page of a visitor is closed."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from engine.service.visitor import OPERATOR, Visitor

MOST_REQUESTS = 64
"""Of one visitor at once; each open page holds two, and a browser opens six."""
MOST_PAGES = 16
"""Open pages of one visitor."""


class InFlight:
    """Counts by visitor. Safe from any thread.

    Args:
        most_pages_of_all: Open pages of all visitors together; None for any number.
    """

    def __init__(self, most_pages_of_all: int | None = None) -> None:
        self._most_pages_of_all = most_pages_of_all
        self._counts: dict[str, Counter[str]] = {"request": Counter(), "page": Counter()}
        self._lock = threading.Lock()

    @contextmanager
    def one_more(self, visitor: Visitor, kind: str = "request") -> Iterator[bool]:
        """A request, or the one that an open page holds; gives whether it is one too many."""
        with self._lock:
            counts = self._counts[kind]
            counts[visitor.id] += 1
            most = MOST_REQUESTS if kind == "request" else MOST_PAGES
            too_many = visitor != OPERATOR and (counts[visitor.id] > most or self._is_full(kind))
        try:
            yield too_many
        finally:
            with self._lock:
                counts[visitor.id] -= 1
                counts += Counter()  # forgets those without any

    def _is_full(self, kind: str) -> bool:
        most = self._most_pages_of_all
        return kind == "page" and most is not None and self._counts["page"].total() > most

    def open_pages(self, visitor: Visitor) -> int:
        """Pages that a visitor has open."""
        with self._lock:
            return self._counts["page"][visitor.id]
