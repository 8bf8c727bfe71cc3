"""Searches of a workbench: their trials go through the queue, one after another, and survive any crash with it.

Needs neither torch nor Optuna until a search begins or is looked at.
"""

import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.config.run import RunConfig
from engine.config.training import TRUST
from engine.core.errors import RunError, SettingError, WorkbenchError
from engine.core.loading import load
from engine.core.writing import NotWrittenError
from engine.runs.files import read_json
from engine.runs.scan import is_run_id
from engine.service import deferred
from engine.service.permission import Permission
from engine.service.queueing import Queueing
from engine.service.rights import Rights
from engine.service.starting import refuse_trust
from engine.tuning.plan import SearchPlan

if TYPE_CHECKING:
    from engine.tuning.search import Search

FOLDER = "searches"
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchView:
    """A search as people see it.

    Attributes:
        id: Its name, and the tag of its runs.
        state: "runs", "stopped" or "finished".
        plan: As `SearchPlan.to_dict`.
        points: Every trial as `engine.tuning.study.Point` has it.
        importance: How much each setting decides, by "method.setting", 0 to 1.
        seconds: Training time so far.
        drives: Whether the asker may stop it, and let it go on.
    """

    id: str
    state: str
    plan: dict[str, Any]
    points: list[dict[str, Any]]
    importance: dict[str, float]
    seconds: float
    drives: bool


class Searching:
    """The searches of one workbench. Safe from any thread.

    Args:
        root: Folder of the searches.
        queue: What trains their runs.
        rights: Of whoever asks.
        permission: What a run may name.
    """

    def __init__(self, root: Path, queue: Queueing, rights: Rights, permission: Permission) -> None:
        self._root, self._queue, self._rights, self._permission = root, queue, rights, permission
        self._open: dict[str, Search] = {}
        self._views: dict[str, tuple[tuple[int, ...], SearchView | None]] = {}
        self._lock = threading.RLock()
        queue.planners.append((self._pending, self._plan))

    def start(self, plan: SearchPlan, *, session: str = "") -> str:
        """Begin a search; returns its id. Its trials begin when the queue is empty.

        Raises:
            WorkbenchError: The plan, the model or the data cannot be used, searches are not for the asker, or their
                files cannot be written.
        """
        self._rights.to_start()
        visitor = self._rights.who()
        if visitor.role == "guest":
            text = "A search trains many runs, which this public server is too small for: start it on your own machine."
            raise SettingError("no_search_here", text)
        plan = plan.checked()
        config = plan.of_method(plan.methods[0])
        self._permission.check(config, session)
        self._permission.check_launch(config.of_training())
        refuse_trust({name: True for name in TRUST if getattr(config.of_training(), name)})
        plan = replace(plan, owner=visitor.id, depth=deferred.depth(config) if plan.layers else 0)
        with self._lock:
            number = 1 + max((_number(path.name) for path in self._folders()), default=0)
            search = _class().create(self._root / f"search-{number}", plan, self._queue.file.root, deferred.usual_rate)
            self._open[search.id] = search
            try:
                self._advance(search)
            except NotWrittenError:
                del self._open[search.id]
                shutil.rmtree(search.folder, ignore_errors=True)
                raise
        return search.id

    def ids(self) -> list[str]:
        """Searches that the asker may see, newest first."""
        visitor = self._rights.who()
        seen = [path.name for path in self._folders()]
        return [name for name in seen if (found := self._found(name)) and visitor.sees(found.plan.owner)]

    def view(self, name: str) -> SearchView:
        """A search as it is now.

        Raises:
            RunError: There is no such search.
        """
        search = self._search(name)
        owner = search.plan.owner
        self._rights.to_see(name, owner)
        with self._lock:
            stamp, (kept, view) = search.stamp(), self._views.get(name, ((), None))
            if view is None or kept != stamp:
                view = _view(search)
                self._views[name] = (stamp, view)
        return replace(view, drives=self._rights.who().changes(owner))

    def config(self, name: str, number: int) -> RunConfig:
        """The run of a trial, to be used again.

        Raises:
            RunError: There is no such search or trial.
        """
        search = self._search(name)
        self._rights.to_see(name, search.plan.owner)
        return search.config(number)

    def stop(self, name: str) -> None:
        """Begin no more trials.

        Raises:
            WorkbenchError: There is no such search, or the asker may not change it.
        """
        search = self._changing(name)
        with self._lock:
            search.stop()

    def go_on(self, name: str) -> None:
        """Let a stopped search go on.

        Raises:
            WorkbenchError: As `stop`.
        """
        search = self._changing(name)
        with self._lock:
            search.go_on()
            self._advance(search)

    def configs(self) -> Iterator[dict[str, Any]]:
        """What the searches that go on will train on, which may have no run yet."""
        for path in filter(_goes_on, self._folders()):
            with suppress(OSError, ValueError):
                if isinstance(plan := read_json(path / "plan.json"), dict):
                    yield plan

    def _changing(self, name: str) -> "Search":
        search = self._search(name)
        self._rights.to_change(name, search.plan.owner)
        return search

    def _pending(self) -> bool:
        """Whether a search goes on, as its files say: Optuna is not needed for that."""
        return any(_goes_on(path) for path in self._folders())

    def _plan(self) -> None:
        """Put the next run of the oldest search that has one into the queue."""
        with self._lock:
            for path in filter(_goes_on, reversed(self._folders())):
                search = self._found(path.name)
                if search is not None and self._advance(search):
                    return

    def _advance(self, search: "Search") -> bool:
        """Put a search's next run into the queue; whether there is one. What goes wrong stops that search only.

        Raises:
            NotWrittenError: The disk is full, for instance: it goes on as soon as it can be written.
        """
        try:
            entry = search.next_run(waits=self._queue.holds)
        except NotWrittenError:
            raise
        except WorkbenchError as error:
            log.warning("The search %s stops: %s", search.id, error)
            search.stop()
            return False
        except Exception:
            log.exception("The search %s stops.", search.id)
            search.stop()
            return False
        if entry is None:
            return False
        self._queue.file.add([entry])
        self._queue.wake()
        return True

    def _folders(self) -> list[Path]:
        """Folders of all searches, newest first."""
        found = [path for path in self._root.glob("search-*") if (path / "plan.json").is_file()]
        return sorted(found, key=lambda path: _number(path.name), reverse=True)

    def _found(self, name: str) -> "Search | None":
        try:
            return self._search(name)
        except RunError as error:
            log.warning("%s", error)
            return None

    def _search(self, name: str) -> "Search":
        with self._lock:
            if name not in self._open:
                if not is_run_id(name) or not (self._root / name / "plan.json").is_file():
                    raise RunError("no_such_search", f"There is no search {name!r}.", name=name)
                self._open[name] = _class()(self._root / name, self._queue.file.root, deferred.usual_rate)
            return self._open[name]


def _view(search: "Search") -> SearchView:
    """A search as it is now, for whoever may not change it."""
    progress = search.progress
    return SearchView(
        id=search.id,
        state=progress.state,
        plan=search.plan.to_dict(),
        points=[asdict(point) for point in search.points()],
        importance=search.study.importance(),
        seconds=round(progress.seconds, 1),
        drives=False,
    )


def _goes_on(path: Path) -> bool:
    """Whether a search has more to train, or is so new that it has begun with nothing."""
    try:
        state = read_json(path / "state.json")
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    return isinstance(state, dict) and state.get("state") == "runs"


def _number(name: str) -> int:
    digits = name.rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _class() -> "type[Search]":
    """`Search`, whose import brings Optuna."""
    load("engine.tuning.search")
    from engine.tuning.search import Search  # noqa: PLC0415

    return Search
