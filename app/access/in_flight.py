"""How many requests of one visitor are answered at once, and when the last page of a visitor is closed."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from engine.service.visitor import OPERATOR, Visitor

MOST_REQUESTS = 64
"""Of one visitor at once; each open page holds two, and a browser opens six."""
TooMany = Literal["", "own", "all"]
"""Nobody's, the visitor's own, or all visitors' together."""
MOST_PAGES = 16
"""Open pages of one visitor."""


class InFlight:
    """Counts by visitor. Safe from any thread.

    Args:
        most_pages_of_all: Open pages of all visitors together; None for any number.
        most_requests_of_all: The same of other requests that are answered at once.
    """

    def __init__(self, most_pages_of_all: int | None = None, most_requests_of_all: int | None = None) -> None:
        self._most_of_all = {"page": most_pages_of_all, "request": most_requests_of_all}
        self._counts: dict[str, Counter[str]] = {"request": Counter(), "page": Counter()}
        self._lock = threading.Lock()

    @contextmanager
    def one_more(self, visitor: Visitor, kind: str = "request") -> Iterator[TooMany]:
        """A request, or the one that an open page holds; gives whether it is one too many, and by whose count."""
        with self._lock:
            counts = self._counts[kind]
            counts[visitor.id] += 1
            most = MOST_REQUESTS if kind == "request" else MOST_PAGES
            too_many: TooMany = ""
            if visitor != OPERATOR:
                too_many = "own" if counts[visitor.id] > most else "all" if self._is_full(kind) else ""
        try:
            yield too_many
        finally:
            with self._lock:
                counts[visitor.id] -= 1
                counts += Counter()  # forgets those without any

    def _is_full(self, kind: str) -> bool:
        most = self._most_of_all[kind]
        return most is not None and self._counts[kind].total() > most

    def open_pages(self, visitor: Visitor) -> int:
        """Pages that a visitor has open."""
        with self._lock:
            return self._counts["page"][visitor.id]
