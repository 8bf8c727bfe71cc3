"""Runs of other machines: copies of what their mirrors keep at a place, brought up to date in the background."""

import contextlib
import hashlib
import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from engine.core.errors import RunError, WorkbenchError
from engine.runs.elsewhere.copied import Copy
from engine.runs.elsewhere.manifest import BEAT_S
from engine.runs.elsewhere.place import Place, shown
from engine.runs.folder import ACTIVE, RunFolder
from engine.runs.scan import folder_names, is_run_id

EVERY_S = 2.0
"""Seconds between two looks at runs that go on."""
LISTED_EVERY = 5
"""Of so many looks one asks which runs there are."""
QUIET_ONES = 4
"""Runs that nobody mirrors at which each look looks, in turns, so that those that go on do not wait for them."""
MOST_RUNS = 200
"""Runs of one place that are shown, the last ones by name."""


class Watched:
    """The runs at one place.

    Args:
        place: The place.
        root: Folder of the copies.

    Attributes:
        problem: Why it cannot be looked at now; None where it can.
    """

    def __init__(self, place: Place, root: Path) -> None:
        self.place, self.root = place, root
        self.problem: WorkbenchError | None = None
        self.copies = {name: Copy(place.of(name), root / name) for name in folder_names(root) if is_run_id(name)}
        self._looks = 0

    def look(self) -> None:
        """Bring the copies up to date: those that go on each time, of the others some."""
        lists, self._looks = self._looks % LISTED_EVERY == 0, self._looks + 1
        try:
            if lists:
                self._list()
            quiet = [name for name, copy in self.copies.items() if copy.quiet]
            turn = self._looks * QUIET_ONES % len(quiet) if quiet else 0
            due = {*[*quiet, *quiet][turn : turn + QUIET_ONES]}
            for name, copy in list(self.copies.items()):
                if not copy.quiet or name in due:
                    copy.look()
            self.problem = None
        except WorkbenchError as error:
            self.problem = error
            self._looks = 0
        except Exception as error:
            logging.getLogger(__name__).exception("The runs at %s cannot be read.", self.place.shown)
            text = f"{self.place.shown} cannot be reached: {type(error).__name__}. It is tried again."
            self.problem = RunError("place_unreachable", text, place=self.place.shown, reason=type(error).__name__)

    def _list(self) -> None:
        there = [name for name in self.place.folders() if is_run_id(name)][-MOST_RUNS:]
        for name in there:
            self.copies.setdefault(name, Copy(self.place.of(name), self.root / name))
        for name in self.copies.keys() - set(there):
            del self.copies[name]
            shutil.rmtree(self.root / name, ignore_errors=True)


class Elsewhere:
    """The runs at all places that the command line of a server names. Safe from any thread; nothing waits for a place.

    Args:
        places: Their URLs.
        cache: Folder of the copies.

    Raises:
        RunError: A URL is none, or its kind is not known or has no driver here.
    """

    def __init__(self, places: Sequence[str], cache: Path) -> None:
        self._closing = threading.Event()
        self._locks: list[FileLock] = []
        self._temporary: list[Path] = []
        known = {url: Place(url) for url in places}
        self._watched = [Watched(place, self._root_of(url, cache)) for url, place in known.items()]
        for watched in self._watched:
            threading.Thread(target=self._work, args=[watched], name="elsewhere", daemon=True).start()

    def _work(self, watched: Watched) -> None:
        while True:
            watched.look()
            if self._closing.wait(EVERY_S):
                return

    def _root_of(self, url: str, cache: Path) -> Path:
        """Where the copies of a place are; another server with this home keeps its own for as long as it serves."""
        root = cache / hashlib.sha256(url.encode()).hexdigest()[:16]
        lock = FileLock(root.with_suffix(".lock"))
        try:
            cache.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            self._temporary.append(Path(tempfile.mkdtemp(prefix="gatelight-runs-")))
            return self._temporary[-1]
        self._locks.append(lock)
        return root

    @property
    def roots(self) -> list[Path]:
        """Folders in which the copies are."""
        return [watched.root for watched in self._watched]

    @property
    def problems(self) -> list[WorkbenchError]:
        """What keeps places from being looked at now."""
        return [watched.problem for watched in self._watched if watched.problem is not None]

    def holds(self, folder: RunFolder) -> bool:
        """Whether a folder is a copy of a run that is elsewhere."""
        return any(folder.path.parent == watched.root for watched in self._watched)

    def copy(self, folder: RunFolder) -> Copy:
        """The copy whose folder this is.

        Raises:
            RunError: It has gone.
        """
        for watched in self._watched:
            if folder.path.parent == watched.root and (found := watched.copies.get(folder.id)) is not None:
                return found
        raise RunError("no_such_run", f"There is no run {folder.id!r}: it may have been deleted.", run=folder.id)

    def status(self, folder: RunFolder) -> str:
        """The present status of such a run."""
        return self.copy(folder).status()

    def shown(self, folder: RunFolder) -> str:
        """The place of such a run, as it is shown."""
        return next((watched.place.shown for watched in self._watched if folder.path.parent == watched.root), "")

    def close(self) -> None:
        """End the threads; one that waits for its place ends with the process."""
        self._closing.set()
        for lock in self._locks:
            lock.release()
        for root in self._temporary:
            shutil.rmtree(root, ignore_errors=True)


def copies_now(url: str, folder: Path) -> list[Copy]:
    """The runs at a place as they are, for a command: what run.json says. Waits for a sign of life of those that go on.

    Args:
        url: Of the place.
        folder: An empty one for the copies.

    Raises:
        RunError: The place cannot be reached.
    """
    place = Place(url)
    copies = [Copy(place.of(name), folder / name) for name in place.folders() if is_run_id(name)]
    for copy in copies:
        copy.look(facts_alone=True)
    if any(_goes_on(copy) for copy in copies):
        time.sleep(BEAT_S + EVERY_S)
        for copy in copies:
            copy.look(facts_alone=True)
            copy.settle()
    return [copy for copy in copies if RunFolder(copy.path).is_run()]


def copy_now(url: str, folder: Path) -> Copy:
    """One of them, by its own URL.

    Raises:
        RunError: There is none, or the place cannot be reached.
    """
    name = url.rstrip("/").rsplit("/", 1)[-1]
    copy = Copy(Place(url), folder / name) if is_run_id(name) else None
    if copy is not None:
        copy.look(facts_alone=True)
        if _goes_on(copy):
            time.sleep(BEAT_S + EVERY_S)
            copy.look(facts_alone=True)
            copy.settle()
    if copy is None or not RunFolder(copy.path).is_run():
        raise RunError("no_run_there", f"There is no mirrored run at {shown(url)}.", place=shown(url))
    return copy


def _goes_on(copy: Copy) -> bool:
    with contextlib.suppress(RunError):
        return not copy.ended and RunFolder(copy.path).facts().status in ACTIVE
    return False
