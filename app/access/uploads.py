"""Whose the files are that the server holds for open pages: nobody else fetches them, or names them in a request."""

import contextlib
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from engine.service.visitor import OPERATOR, Visitor

FETCHED = re.compile(r"/file[=/](?P<path>.+)$", re.DOTALL)
"""The end of an address at which Gradio serves a file."""

HALF = "tmp????????"
"""Names that Python's `tempfile` gives: Gradio moves what has arrived whole to a folder of its own."""


class Uploads:
    """The files of one server. Safe from any thread.

    A file belongs to everybody who has uploaded it, since equal ones have one path; and what the server makes for a
    visitor lies in that visitor's own part of the folder. The only user of this machine may have all.

    Args:
        folder: Where Gradio keeps them.
        most_bytes: That the uploads of one visitor may take together; None for no limit.
        most_of_all: The same for all visitors.
    """

    def __init__(self, folder: Path, most_bytes: int | None, most_of_all: int | None = None) -> None:
        self.folder = folder
        self.most_bytes, self.most_of_all = most_bytes, most_of_all
        self._of: dict[str, set[str]] = {}
        self._arriving = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def receiving(self) -> Iterator[None]:
        """While an upload arrives; when none does any more, the halves of those that broke off are deleted."""
        with self._lock:
            self._arriving += 1
        try:
            yield
        finally:
            with self._lock:
                self._arriving -= 1
                for half in self.folder.glob(HALF) if not self._arriving else ():
                    with contextlib.suppress(OSError):
                        half.unlink()

    def remember(self, visitor: Visitor, path: str) -> None:
        """A visitor has uploaded a file."""
        with self._lock:
            self._of.setdefault(str(Path(path).resolve()), set()).add(visitor.id)

    def belongs(self, visitor: Visitor, path: str) -> bool:
        """Whether a visitor may fetch or name a file."""
        if visitor == OPERATOR:
            return True
        if not visitor.id or "\0" in path:
            return False
        real = Path(path).resolve()
        with self._lock:
            if visitor.id in self._of.get(str(real), ()):
                return True
        return real.is_relative_to(visitor.uploads(self.folder).resolve())

    def full(self, visitor: Visitor, octets: int) -> bool:
        """Whether so many bytes more are too much for a visitor, or for all of them together."""
        with self._lock:
            mine, everybodys = [path for path, owners in self._of.items() if visitor.id in owners], list(self._of)
        limits = ((self.most_bytes, mine), (self.most_of_all, everybodys))
        return any(most is not None and octets + sum(map(_size, held)) > most for most, held in limits)

    def forget(self, visitor: Visitor) -> None:
        """A visitor has left: delete what nobody else has uploaded."""
        with self._lock:
            for path in [path for path, owners in self._of.items() if visitor.id in owners]:
                self._of[path].discard(visitor.id)
                if not self._of[path]:
                    del self._of[path]
                    _delete(Path(path))
        for made in visitor.uploads(self.folder).glob("*/*") if visitor.id else ():
            _delete(made)


def named_in(body: object) -> Iterator[str]:
    """Every path under which a request's JSON names a file, as Gradio understands it."""
    waiting = [body]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield from (each[name] for name in ("path", "url") if isinstance(each.get(name), str) and each[name])
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
        path.parent.rmdir()


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0
