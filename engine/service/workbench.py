"""The page's interface to the engine. Importing it is cheap: torch is loaded in the worker thread."""

import dataclasses
import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.config.resuming import AS_IT_WAS, Resuming
from engine.config.run import RunConfig
from engine.core.confine import LOCAL, Confinement
from engine.core.errors import ExchangeError, RunError, SettingError, WorkbenchError
from engine.core.parts import Parts
from engine.data.dataset import shipped_datasets
from engine.data.info import DatasetInfo
from engine.data.jinja_process import end_running
from engine.evaluation.predicted import Predicted
from engine.inference.messages import ChatRequest, ChatUpdate
from engine.models.chat_template import has_chat_template
from engine.models.info import ModelInfo
from engine.models.menu import Offer
from engine.runs.folder import RunFolder
from engine.service import deferred
from engine.service.answer import WITHOUT_DATA, Answer
from engine.service.downloads import Downloads
from engine.service.elsewhere import Elsewhere
from engine.service.kept_data import DATA, KeptData
from engine.service.ladders import LadderQueue
from engine.service.limits import UNLIMITED, Limits
from engine.service.machine import Machine
from engine.service.permission import NO_TRUST, Permission
from engine.service.preflight import Preflight
from engine.service.reference import Reference, reference
from engine.service.rights import Rights, no_such_run
from engine.service.runs import RECORDINGS, RunStore
from engine.service.searching import FOLDER, Searching
from engine.service.sizing import Sizing
from engine.service.starting import Starting
from engine.service.status import LiveStatus
from engine.service.sweeping import Sweeping
from engine.service.turns import Turns
from engine.service.visitor import Visitor, operator
from engine.service.worker_thread import WorkerThread

if TYPE_CHECKING:
    from engine.service.worker import Worker


class Workbench:
    """Everything that a page can do. All methods are thread-safe; errors are `WorkbenchError`s.

    Args:
        home: See the attribute.
        confinement: The folders that may be named.
        who: Returns the visitor that the present thread answers; every method refuses what that visitor may not do.
        limits: How much each visitor may have.
        watch_only: Whether all visitors only look at runs and ask them.
        places: URLs where runs of other machines are, which are shown, too.

    Attributes:
        home: Folder of runs, the user's models and exports.
        limits: As given.
        rights: Those of whoever is being answered.
        permission: Which paths may be named here, and which sessions trust which model's authors. The methods that take
            a `session` act with the trust that it gave; without one, with none.
        runs: The run folders; its methods do not wait for the worker.
        searches: Searches over methods and their settings, whose trials the queue trains.
        ladders: Learning-rate ladders, whose runs are in the queue.
        sizing: What new runs set by the size of their model.
        downloads: Of models from the hub.
        preflight: What can be asked of data and models before there is a run.
        machine: What this process takes of the machine right now.
        queue: The runs that wait; it begins the next one when the active one has ended.
    """

    def __init__(
        self,
        home: Path,
        confinement: Confinement = LOCAL,
        who: Callable[[], Visitor] = operator,
        limits: Limits = UNLIMITED,
        *,
        watch_only: bool = False,
        places: Sequence[str] = (),
    ) -> None:
        self.home, self.limits = home, limits
        self.rights = Rights(who, watch_only=watch_only)
        self.permission = Permission(confinement, self.rights.who, limits)
        self._kept_data = KeptData(home / DATA, limits.unpacked_bytes, self._configs, limits.all_unpacked_bytes)
        self._worker = WorkerThread()
        self._turns = Turns(lambda: self.live().status == "running")
        drop = self._kept_data.drop_unneeded
        self._elsewhere = Elsewhere(places, home / "cache" / "elsewhere")
        self.runs = RunStore(
            home / "runs", self.live, self.permission.check_paths, self.rights, drop, self._turn, self._elsewhere
        )
        self._sweeping = Sweeping(self.runs, self._kept_data, limits.guest_hours)
        self._starting = Starting(self._worker, self.runs, self.rights, self.permission, self._sweeping, self._turns)
        self.queue = self._starting.queue
        self.searches = Searching(home / FOLDER, self.queue, self.rights, self.permission)
        self.ladders = LadderQueue(self._starting, self._worker, self.rights, self.permission)
        self.sizing = Sizing(self.permission, self._turn)
        self.downloads = Downloads(self.rights, limits)
        self.machine = Machine()
        self.preflight = Preflight(self.permission, self._turn, self.live)
        self._sweeping.at_start()

    def live(self) -> LiveStatus:
        """Present status of the worker. Instant."""
        return self._worker.live

    def seen_live(self) -> LiveStatus:
        """The same without what names a run that the asker may not see, also after it has ended with a problem."""
        live = self.live()
        owner = self.active_owner() if live.run else self._starting.last_owner
        if not (live.run or (live.message and owner)) or self.rights.who().sees(owner):
            return live
        return dataclasses.replace(live, run=None, name="", message="", problem=None)

    def active_owner(self) -> str:
        """Who started the active run; empty without one."""
        return self._starting.active_owner()

    def warm_up(self) -> None:
        """Start loading torch and the embedded model in the background."""
        self._worker.submit(lambda worker: worker.models.base("town"))

    def models(self) -> list[ModelInfo]:
        """Models on this machine. Waits for torch on the first call, up to some seconds."""
        return deferred.models(self.home / "models")

    def offers(self) -> list[Offer]:
        """The menu of good first models. Waits as `models` does."""
        return deferred.offers()

    def datasets(self) -> list[DatasetInfo]:
        """Datasets that ship. Instant."""
        return shipped_datasets()

    def keep_upload(self, upload: Path, *, session: str = "") -> Path:
        """A copy of an uploaded dataset that stays as long as the runs do, and that its session may name.

        Raises:
            WorkbenchError: A zip cannot be unpacked, the visitor's files would be too large together, or the visitor
                only watches.
        """
        self.rights.to_start()
        self._sweeping.now_and_then()
        with self._turn():
            path = self._kept_data.keep(upload, self.rights.who())
        self.permission.uploaded(session, path)
        return path

    def upload_named(self, name: str) -> Path | None:
        """Where the asker's upload of that name lies, on a server with several visitors; None where there is none."""
        return self._kept_data.named(name.strip(), self.rights.who())

    def _turn(self) -> AbstractContextManager[None]:
        """A turn of the asker among those who look at data or weigh a run."""
        return self._turns.turn(self.rights.who().id)

    def _configs(self, text: str) -> Iterator[dict[str, Any] | None]:
        """As `RunStore.configs`, with those of runs that have no folder yet."""
        yield from self._starting.configs()
        yield from self.searches.configs()
        yield from self.ladders.configs()
        yield from self.runs.configs(text)

    def left(self, visitor: Visitor, away: Callable[[], bool]) -> None:
        """A visitor has closed their last page; `away` tells whether they still have none. Instant."""
        self._sweeping.left(visitor, away)

    def start(self, config: RunConfig, name: str = "", *, session: str = "", tags: Sequence[str] = ()) -> str:
        """Start a run, or add it to the queue while another one is active; a double click starts one run.

        Returns:
            Its id, when it is set up or waits: see `Queueing.waits`.

        Raises:
            WorkbenchError: A setting, the model or the data cannot be used, or too many runs wait.
        """
        return self._starting.start(config, name, session, tags)

    def pause(self) -> None:
        """Pause the active run after the present step."""
        self._may_drive()
        self._worker.call(lambda worker: worker.pause())

    def go_on(self) -> None:
        """Continue the paused run."""
        self._may_drive()
        self._worker.call(lambda worker: worker.go_on())

    def one_step(self) -> None:
        """Make one step and pause."""
        self._may_drive()
        self._worker.call(lambda worker: worker.one_step())

    def stop(self) -> None:
        """Stop the active run after the present step and save its state; it can be resumed."""
        self._may_drive()
        run = self.live().run
        self._worker.call(lambda worker: worker.stop())
        if run is not None:
            self.queue.file.remove(run)  # what is stopped by hand is not begun again by itself

    def resume(self, run: str, *, session: str = "", resuming: Resuming = AS_IT_WAS) -> None:
        """Resume a stopped, failed or interrupted run from its checkpoint.

        Args:
            run: Its id.
            session: Of the page that asks.
            resuming: What may be different from now on.

        While another run is active, it waits in the queue, and what would be asked then is said there.

        Raises:
            WorkbenchError: It cannot be resumed; "data_changed", "other_weights" and "other_processor" ask whether to
                accept that.
        """
        self._starting.resume(run, session, resuming)

    def export(self, run: str, form: str, *, session: str = "") -> Path:
        """A zip of the run's adapter; `form` is one of `engine.exchange.forms.EXPORT_FORMATS`.

        Raises:
            WorkbenchError: The format cannot hold this adapter without loss, or the asker may not take it.
        """
        folder = self.runs.folder(run)
        self._may_take(folder)
        trust = self.permission.of_run(folder, session)
        target = self.runs.exports.path(run, form)
        self._worker.call(lambda worker: worker.export(folder, form, target, trust), self.rights.who().id)
        if not folder.is_run():  # deleted meanwhile
            self.runs.exports.drop(run)
            raise no_such_run(run)
        return target

    def refused_exports(self, run: str) -> dict[str, ExchangeError]:
        """Why a run's adapter cannot be exported, by form, as far as that can be told before a file is made."""
        folder = self.runs.folder(run)
        try:
            with self._turn():
                return deferred.refused_exports(folder.config, folder.facts().head)
        except WorkbenchError:  # the model is not here, its family is unknown, or many wait: the export itself says so
            return {}

    def ask(
        self,
        query: str,
        run: str,
        step: int | None = None,
        *,
        session: str = "",
        accept_changed: bool = False,
        **arguments: Any,  # noqa: ANN401 - any argument of a query
    ) -> Answer:
        """Answer a query about a run between training steps; where it takes long, others have turns in between.

        Args:
            query: A name in `engine.service.queries.QUERIES`.
            run: The run's id.
            step: One of its snapshots; None for its newest state.
            session: Of the page that asks.
            accept_changed: Whether its base, and the rows that it is scored on, may be others than it began with.
            arguments: Those of the query, by name.

        Raises:
            KeyError: There is no such query.
            WorkbenchError: The run, its model or its data are gone, or the query does not apply to its method.
        """
        folder = self.runs.folder(run)
        trust = self.permission.of_run(folder, session)
        if query not in WITHOUT_DATA:
            self._starting.read(folder.config, self.rights.who().id, trust)

        def answer(worker: "Worker") -> Parts[Answer]:
            return worker.ask(query, folder, step, arguments, trust, accept_changed=accept_changed)

        return self._worker.call_in_parts(answer, self.rights.who().id)

    def predictions(self, run: str, *, session: str = "", accept_changed: bool = False) -> Iterator[Predicted]:
        """Predictions for the test rows of a run, a few more each time; stored predictions are yielded at once.

        Args:
            run: Its id.
            session: Of the page that asks.
            accept_changed: Whether its test rows and its base may be others than those that it began with.

        Raises:
            WorkbenchError: The run is still training, or its model or data are gone; "data_changed",
                "other_weights" and "other_processor" ask whether to accept that.
        """
        folder = self.runs.folder(run)
        if self.live().run == run:
            raise RunError("predict_active", f"The run {run!r} is active: stop it, or wait until it ends.", run=run)
        if (stored := self.runs.kept_predictions(run)) is not None:
            yield stored
            return
        self._may_take(folder)
        rows: list[dict[str, Any]] = []
        total = 1
        while len(rows) < total:
            answer = self.ask("predictions", run, session=session, accept_changed=accept_changed, start=len(rows))
            more, total = answer.report
            rows += more
            yield Predicted(rows=list(rows), total=total)
        if folder.path.parent != RECORDINGS:
            folder.keep_predictions(rows)

    def chat(self, request: ChatRequest, stop: threading.Event, *, session: str = "") -> Iterator[ChatUpdate]:
        """Stream the answers of all sides; ends soon after `stop` is set. Between some tokens, others have their turns.

        Raises:
            WorkbenchError: The prompt is empty or a side cannot answer.
        """
        if not request.prompt.strip() and not request.picture:
            raise SettingError("no_prompt", "The message is empty: type a question.")
        self.limits.check(request.sampling)
        request = dataclasses.replace(request, context=self.limits.chat_tokens)
        folders = [self.runs.folder(side.run) if side.run else None for side in request.sides]
        trusts = [self.permission.of_run(folder, session) for folder in folders if folder is not None]
        trust = next(iter(trusts), NO_TRUST)  # all sides share one model
        for folder in folders:
            if folder is not None and folder.template is None:
                self._starting.read(folder.config, self.rights.who().id)
        models = {folder.config.model for folder in folders if folder is not None} or {RunConfig().model}
        if any(map(has_chat_template, models)):
            with self._turn():
                deferred.write_talks(request, folders, trust)
        updates: queue.Queue[ChatUpdate | None] = queue.Queue()
        abandoned = threading.Event()
        ends = (stop, abandoned, self._worker.closing)

        def begin(worker: "Worker") -> Generator[ChatUpdate]:
            return worker.chat(request, folders, lambda: any(end.is_set() for end in ends), trust)

        future = self._worker.stream(begin, updates.put, self.rights.who().id)
        future.add_done_callback(lambda _: updates.put(None))
        try:
            while (update := updates.get()) is not None:
                yield update
            if not future.cancelled():
                future.result()
        finally:
            abandoned.set()

    def reference(self, run: str, question: str) -> Reference | None:
        """What a run's test rows answer to a question; None where none asks it, or the asker may not see them."""
        if not self.may_take(run):
            return None
        with self._turn():
            return reference(self.runs.folder(run).config, question)

    def may_take(self, run: str) -> bool:
        """Whether the asker may export a run, and ask for its test rows."""
        try:
            self._may_take(self.runs.folder(run))
        except WorkbenchError:
            return False
        return True

    def close(self) -> None:
        """Stop the active run, save its state, and end the worker thread; other work at hand is given up."""
        end_running()
        self.downloads.close()
        self._sweeping.close()
        self._worker.close()
        self.queue.close()
        self._elsewhere.close()

    def _may_drive(self) -> None:
        """See that the asker may stop the active run."""
        if run := self.live().run:
            self.rights.to_change(run, self.active_owner())

    def _may_take(self, folder: RunFolder) -> None:
        """See that the asker may take away what a run has learnt."""
        shipped = folder.path.parent == RECORDINGS
        self.rights.to_export(folder.id, "" if shipped else folder.facts().owner, shipped=shipped)
