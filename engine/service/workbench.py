"""The page's interface to the engine. Importing it is cheap: torch is loaded in the worker thread."""

import dataclasses
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.config.resuming import AS_IT_WAS, Resuming
from engine.config.run import RunConfig
from engine.core.confine import LOCAL, Confinement
from engine.core.errors import RunError, SettingError, WorkbenchError
from engine.core.parts import Parts
from engine.data.dataset import shipped_datasets
from engine.data.info import DatasetInfo, Inspection
from engine.data.inspect import inspect_data
from engine.data.jinja_process import end_running
from engine.data.preview_values import DataPreview
from engine.data.settings import DataSettings
from engine.evaluation.predicted import Predicted
from engine.inference.messages import ChatRequest, ChatUpdate
from engine.memory.info import MemoryInfo
from engine.models.info import Counts, ModelInfo
from engine.runs.folder import RunFolder
from engine.runs.scan import new_run_path
from engine.service import deferred
from engine.service.answer import Answer
from engine.service.kept_data import DATA, KeptData
from engine.service.last_start import LastStart
from engine.service.limits import UNLIMITED, Limits
from engine.service.permission import NO_TRUST, Permission
from engine.service.rights import Rights
from engine.service.runs import RECORDINGS, RunStore, short
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

    Attributes:
        home: Folder of runs, the user's models and exports.
        limits: As given.
        rights: Those of whoever is being answered.
        permission: Which paths may be named here, and which sessions trust which model's authors. The methods that take
            a `session` act with the trust that it gave; without one, with none.
        runs: The run folders; its methods do not wait for the worker.
    """

    def __init__(
        self,
        home: Path,
        confinement: Confinement = LOCAL,
        who: Callable[[], Visitor] = operator,
        limits: Limits = UNLIMITED,
        *,
        watch_only: bool = False,
    ) -> None:
        self.home, self.limits = home, limits
        self.rights = Rights(who, watch_only=watch_only)
        self.permission = Permission(confinement, self.rights.who, limits)
        self._kept_data = KeptData(home / DATA, limits.unpacked_bytes, self._configs, limits.all_unpacked_bytes)
        self._worker = WorkerThread()
        self._turns = Turns(lambda: self.live().status == "running")
        self.runs = RunStore(
            home / "runs", self.live, self.permission.check_paths, self.rights, self._kept_data.drop_unneeded
        )
        self._sweeping = Sweeping(self.runs, self._kept_data, limits.guest_hours)
        self._starting = threading.Lock()
        self._last_start: LastStart | None = None
        self._last_owner = ""
        self._sweeping.at_start()

    def live(self) -> LiveStatus:
        """Present status of the worker. Instant."""
        return self._worker.live

    def seen_live(self) -> LiveStatus:
        """The same without what names a run that the asker may not see, also after it has ended with a problem."""
        live = self.live()
        owner = self.active_owner() if live.run else self._last_owner
        if not (live.run or (live.message and owner)) or self.rights.who().sees(owner):
            return live
        return dataclasses.replace(live, run=None, name="", message="", problem=None)

    def active_owner(self) -> str:
        """Who started the active run; empty without one."""
        run, last = self.live().run, self._last_start
        if last is not None and last.run == run:
            return last.owner
        return self.runs.owner(run) if run else ""

    def warm_up(self) -> None:
        """Start loading torch and the embedded model in the background."""
        self._worker.submit(lambda worker: worker.models.base("town"))

    def models(self) -> list[ModelInfo]:
        """Models on this machine. Waits for torch on the first call, up to some seconds."""
        return deferred.models(self.home / "models")

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
        path = self._kept_data.keep(upload, self.rights.who())
        self.permission.uploaded(session, path)
        return path

    def _configs(self, text: str) -> Iterator[dict[str, Any] | None]:
        """As `RunStore.configs`, with that of a run which is being started and has no folder yet."""
        last = self._last_start
        if last is not None and (self._starting.locked() or self.live().run == last.run):
            yield last.config.to_dict()
        yield from self.runs.configs(text)

    def inspect_data(self, dataset: str, settings: DataSettings, *, session: str = "") -> Inspection:
        """The columns of a file or a hub dataset, and their detected roles. Reads the data; needs no model.

        Raises:
            DataError: It cannot be read.
        """
        self.permission.check_data(dataset, (settings.validation, settings.test), session)
        self.permission.check_rows(dataset, settings)
        with self._turn():
            return inspect_data(dataset, settings)

    def preview_data(self, config: RunConfig, rows: int = 3, *, session: str = "") -> DataPreview:
        """Preview of a run's training data: tokens of some rows, and counts over all. No weights are loaded.

        Raises:
            WorkbenchError: A setting, the model or the data cannot be used, or no row would be trained on.
        """
        self.permission.check(config, session)
        with self._turn():
            return deferred.preview_data(config, rows)

    def count(self, config: RunConfig, *, session: str = "") -> Counts:
        """Number of parameters that a run would train."""
        self.permission.check(config, session)
        with self._turn():
            return deferred.count(config)

    def usual_rate(self, config: RunConfig, *, session: str = "") -> float:
        """The learning rate that an empty setting stands for."""
        self.permission.check(config, session)
        with self._turn():
            return deferred.usual_rate(config)

    def memory(self, config: RunConfig, *, session: str = "") -> MemoryInfo:
        """The memory that a run would take, by purpose, and whether it fits. No weights are loaded; takes a second.

        Raises:
            WorkbenchError: A setting, the model or the data cannot be used.
        """
        self.permission.check(config, session)
        live, precision = self.live(), config.of_training().precision
        same = live.model == config.model and precision in ("auto", live.precision)
        held = live.size_mb * 1e6 if same else 0.0
        with self._turn():
            return deferred.memory(config, round(held))

    def start(self, config: RunConfig, name: str = "", *, session: str = "") -> str:
        """Start a run; returns its id when it is set up. A double click starts one run.

        Raises:
            WorkbenchError: Another run is active, or a setting, the model or the data cannot be used.
        """
        self.rights.to_start()
        config = config.checked()
        self.permission.check(config, session)
        owner = self.rights.who().id
        with self._starting:
            last = self._last_start
            if last is not None and last.is_repeated(config, owner) and self.live().run == last.run:
                return last.run
            self._refuse_second_run()
            self._sweeping.now_and_then()
            self.limits.check_runs(lambda: self.runs.kept_of(owner), self.runs.kept_of_all)
            path = new_run_path(self.runs.root, config)
            begun = self._last_start = LastStart(config, owner, path.name)
            self._last_owner = owner
            self._worker.expect(path.name)
            self._worker.call(lambda worker: worker.start(path, config, short(name), owner))
            self._last_start = dataclasses.replace(begun, at=time.monotonic())  # a slow start makes clicks no older
            return path.name

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
        self._worker.call(lambda worker: worker.stop())

    def resume(self, run: str, *, session: str = "", resuming: Resuming = AS_IT_WAS) -> None:
        """Resume a stopped, failed or interrupted run from its checkpoint.

        Args:
            run: Its id.
            session: Of the page that asks.
            resuming: What may be different from now on.

        Raises:
            WorkbenchError: Another run is active, or this one cannot be resumed; "data_changed" and "other_weights" ask
                whether to accept that.
        """
        folder = self.runs.editable_folder(run)
        with self._starting:
            if self.live().run == run:
                return
            self._refuse_second_run()
            trust = self.permission.to_resume(folder, session)
            self._last_owner = folder.facts().owner
            self._worker.expect(run)
            self._worker.call(lambda worker: worker.resume(folder, trust, resuming))

    def export(self, run: str, form: str, *, session: str = "") -> Path:
        """A zip of the run's adapter; `form` is one of `engine.exchange.forms.EXPORT_FORMATS`.

        Raises:
            WorkbenchError: The format cannot hold this adapter without loss, or the asker may not take it.
        """
        folder = self.runs.folder(run)
        self._may_take(folder)
        trust = self.permission.of_run(folder, session)
        target = self.home / "exports" / f"{run}-{form if form.isidentifier() else 'x'}.zip"
        return self._worker.call(lambda worker: worker.export(folder, form, target, trust), self.rights.who().id)

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
            WorkbenchError: The run is still training, or its model or data are gone; "data_changed" and "other_weights"
                ask whether to accept that.
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
        folders = [self.runs.folder(side.run) if side.run else None for side in request.sides]
        trusts = [self.permission.of_run(folder, session) for folder in folders if folder is not None]
        trust = next(iter(trusts), NO_TRUST)  # all sides share one model
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
        self._worker.close()

    def _turn(self) -> AbstractContextManager[None]:
        """A turn of the asker among those who look at data or weigh a run."""
        return self._turns.turn(self.rights.who().id)

    def _may_drive(self) -> None:
        """See that the asker may stop the active run."""
        if run := self.live().run:
            self.rights.to_change(run, self.active_owner())

    def _may_take(self, folder: RunFolder) -> None:
        """See that the asker may take away what a run has learnt."""
        shipped = folder.path.parent == RECORDINGS
        self.rights.to_export(folder.id, "" if shipped else folder.facts().owner, shipped=shipped)

    def _refuse_second_run(self) -> None:
        live = self.live()
        if live.run is None:
            return
        if not self.rights.who().changes(self.active_owner()):
            raise RunError("server_trains", "Somebody else's run is training: wait until it ends, then start yours.")
        raise RunError(
            "run_active",
            f"The run {live.name or live.run!r} is active: stop it before you start another.",
            run=live.name or live.run,
        )
