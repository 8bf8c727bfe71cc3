"""The one door between a page and the engine. Importing it is cheap: torch is loaded in the worker thread."""

import dataclasses
import functools
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from engine.config.run import RunConfig
from engine.core.errors import RunError, SettingError, WorkbenchError
from engine.core.types import (
    ChatRequest,
    ChatUpdate,
    Counts,
    DataPreview,
    DatasetInfo,
    Inspection,
    Live,
    MemoryInfo,
    ModelInfo,
    Predicted,
)
from engine.data.dataset import shipped_datasets
from engine.data.inspect import inspect_data
from engine.data.settings import DataSettings
from engine.runs.folder import RunFolder, new_run_path
from engine.service.runs import RECORDINGS, RunStore, short
from engine.telemetry.probe_reports import StrengthPoint

if TYPE_CHECKING:
    from engine.service.worker import Worker

T = TypeVar("T")
SAME_CLICK_S = 5.0

_LOADING = threading.Lock()
"""Held while torch and transformers are loaded: transformers' lazy modules break when two threads load them at once."""


class Workbench:
    """Everything that a page can do. Every method may be called from any thread; errors are `WorkbenchError`s.

    Attributes:
        home: Folder of runs, own models and exports.
        runs: The run folders; what it does is instant.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._live = Live()
        self.runs = RunStore(home / "runs", self.live)
        self._jobs: queue.Queue[Callable[[Worker], None] | None] = queue.Queue()
        self._starting = threading.Lock()
        self._last_start: tuple[RunConfig, float, str] | None = None
        self._thread = threading.Thread(target=self._work, name="gatelight-worker", daemon=True)
        self._thread.start()

    def live(self) -> Live:
        """What is going on right now. Instant."""
        return self._live

    def warm_up(self) -> None:
        """Begin to load torch and the embedded model in the background."""
        self._submit(lambda worker: worker.load("town"))

    def models(self) -> list[ModelInfo]:
        """Models on this machine. Waits for torch on the first call, up to some seconds."""
        return _catalogue().models(self.home / "models")

    def datasets(self) -> list[DatasetInfo]:
        """Datasets that ship. Instant."""
        return shipped_datasets()

    def inspect_data(self, dataset: str, settings: DataSettings) -> Inspection:
        """The columns of a file or a hub dataset, and what they are taken for. Reads it; needs no model.

        Raises:
            DataError: It cannot be read.
        """
        return inspect_data(dataset, settings)

    def preview_data(self, config: RunConfig, rows: int = 3) -> DataPreview:
        """What a run would train on, token by token and in numbers. No weights are loaded.

        Raises:
            WorkbenchError: A setting, the model or the data cannot be used, or nothing would be learned.
        """
        with _LOADING:
            from engine.preflight.prepare import preview_data  # noqa: PLC0415 - loads torch, in the worker's thread or later than the page

        return preview_data(config, rows)

    def count(self, config: RunConfig) -> Counts:
        """How many parameters a run would train."""
        return _catalogue().count(config)

    def usual_rate(self, config: RunConfig) -> float:
        """What an empty learning rate means for a run."""
        return _catalogue().usual_rate(config)

    def memory(self, config: RunConfig) -> MemoryInfo:
        """The memory that a run would take, by purpose, and whether it fits. No weights are loaded; takes a second.

        Raises:
            WorkbenchError: A setting, the model or the data cannot be used.
        """
        live, precision = self._live, config.of_training().precision
        same = live.model == config.model and precision in ("auto", live.precision)
        held = live.size_mb * 1e6 if same else 0.0
        with _LOADING:
            from engine.preflight.planning import memory  # noqa: PLC0415 - loads torch, in the worker's thread or later than the page

        return memory(config, round(held))

    def start(self, config: RunConfig, name: str = "") -> str:
        """Start a run; returns its id when it is set up. Pressed twice, it is the same run.

        Raises:
            WorkbenchError: Another run is active, or a setting, the model or the data cannot be used.
        """
        config = config.checked()
        with self._starting:
            if self._last_start is not None:
                before, when, run = self._last_start
                if before == config and time.monotonic() - when < SAME_CLICK_S and self._live.run == run:
                    return run
            self._refuse_second_run()
            path = new_run_path(self.runs.root, config)
            self._expect(path.name)
            self._ask(lambda worker: worker.start(path, config, short(name)))
            self._last_start = (config, time.monotonic(), path.name)
            return path.name

    def pause(self) -> None:
        """Pause the active run after the present step."""
        self._ask(lambda worker: worker.pause())

    def go_on(self) -> None:
        """Go on with the paused run."""
        self._ask(lambda worker: worker.go_on())

    def one_step(self) -> None:
        """Make one step and pause."""
        self._ask(lambda worker: worker.one_step())

    def stop(self) -> None:
        """Stop the active run after the present step and keep its work; it can be resumed."""
        self._ask(lambda worker: worker.stop())

    def resume(self, run: str) -> None:
        """Go on with a stopped, failed or interrupted run from its checkpoint.

        Raises:
            WorkbenchError: Another run is active, or this one cannot go on.
        """
        with self._starting:
            if self._live.run == run:
                return
            self._refuse_second_run()
            folder = self.runs.own_folder(run)
            self._expect(run)
            self._ask(lambda worker: worker.resume(folder))

    def export(self, run: str, form: str) -> Path:
        """A zip of the run's adapter; form is "gatelight", "peft" or "llama_adapter".

        Raises:
            WorkbenchError: The form cannot hold this adapter without loss.
        """
        folder = self.runs.folder(run)
        target = self.home / "exports" / f"{run}-{form if form.isidentifier() else 'x'}.zip"
        return self._ask(lambda worker: worker.export(folder, form, target))

    def probe(self, run: str, step: int | None, sentence: str) -> dict[str, Any]:
        """How a sentence uses the method: what `Method.probe` says, plus "step"."""
        folder = self.runs.folder(run)
        return self._ask(lambda worker: worker.probe(folder, step, sentence))

    def strength_curve(self, run: str, step: int | None) -> list[StrengthPoint]:
        """Validation loss at strengths from 0 to 2."""
        folder = self.runs.folder(run)
        return self._ask(lambda worker: worker.strength_curve(folder, step))

    def ablation(self, run: str, step: int | None) -> dict[str, Any]:
        """Validation loss with the method off in layers i to j: "spans"[i][j], None where j < i; plus "step"."""
        folder = self.runs.folder(run)
        return self._ask(lambda worker: worker.ablation(folder, step))

    def routes(self, run: str) -> dict[str, Any]:
        """Validation loss of AdaMix's "average", of each of its "experts" alone, and along "random" routes."""
        folder = self.runs.folder(run)
        return self._ask(lambda worker: worker.routes(folder))

    def predictions(self, run: str) -> Iterator[Predicted]:
        """Answer the held-out rows of a run, a part at a time; what was answered before is there at once.

        Raises:
            WorkbenchError: The run is still training, or its model or data are gone.
        """
        folder = self.runs.folder(run)
        if self._live.run == run:
            raise RunError("predict_active", f"The run {run!r} is active: stop it, or wait until it ends.", run=run)
        if (kept := self.runs.kept_predictions(run)) is not None:
            yield kept
            return
        rows: list[dict[str, Any]] = []
        total = 1
        while len(rows) < total:
            more, total = self._ask(functools.partial(_predict, folder=folder, start=len(rows)))
            rows += more
            yield Predicted(rows=list(rows), total=total)
        if folder.path.parent != RECORDINGS:
            folder.keep_predictions(rows)

    def pictures(self, run: str) -> dict[str, Path]:
        """Where the held-out pictures of a run lie, by the names that its rows have; none where it reads text.

        None either where its data is gone: then its rows still have their names.
        """
        folder = self.runs.folder(run)
        if not folder.facts().pictures:
            return {}
        try:
            found = folder.config.load_data()
        except WorkbenchError:
            return {}
        return {row.prompt: row.picture for row in found.rows("test") if row.picture is not None}

    def chat(self, request: ChatRequest, stop: threading.Event) -> Iterator[ChatUpdate]:
        """Stream the answers of all sides; ends within a second of `stop` being set. Served between training steps.

        Raises:
            WorkbenchError: The prompt is empty or a side cannot speak.
        """
        if not request.prompt.strip() and not request.picture:
            raise SettingError("no_prompt", "The message is empty: type a question.")
        folders = [self.runs.folder(side.run) if side.run else None for side in request.sides]
        updates: queue.Queue[ChatUpdate | None] = queue.Queue()
        gone = threading.Event()

        def speak(worker: "Worker") -> None:
            try:
                for update in worker.chat(request, folders, lambda: stop.is_set() or gone.is_set()):
                    updates.put(update)
            finally:
                updates.put(None)

        future = self._submit(speak)
        try:
            while (update := updates.get()) is not None:
                yield update
            future.result()
        finally:
            gone.set()

    def close(self) -> None:
        """Stop the active run, keep its work, and end the worker thread."""
        self._submit(lambda worker: worker.stop())
        self._jobs.put(None)
        self._thread.join(timeout=30)

    def _work(self) -> None:
        """The worker thread: whoever asks comes first, then one training step, and again."""
        job = self._jobs.get()
        with _LOADING:
            from engine.service.worker import Worker  # noqa: PLC0415 - loads torch, in the worker's thread or later than the page

        worker = Worker(self._tell)
        while job is not None:
            job(worker)
            job = self._next(worker)

    def _next(self, worker: "Worker") -> "Callable[[Worker], None] | None":
        while worker.training:
            try:
                return self._jobs.get_nowait()
            except queue.Empty:
                worker.advance()
        return self._jobs.get()

    def _tell(self, live: Live) -> None:
        self._live = live

    def _submit(self, job: "Callable[[Worker], T]") -> "Future[T]":
        future: Future[T] = Future()

        def run(worker: "Worker") -> None:
            try:
                future.set_result(job(worker))
            except BaseException as error:
                future.set_exception(error)

        self._jobs.put(run)
        return future

    def _ask(self, job: "Callable[[Worker], T]") -> T:
        return self._submit(job).result()

    def _expect(self, run: str) -> None:
        """Say that a run is being loaded, also while the worker itself still is."""
        self._tell(dataclasses.replace(self._live, status="loading", run=run, message="", problem=None))

    def _refuse_second_run(self) -> None:
        if self._live.run is not None:
            raise RunError(
                "run_active",
                f"The run {self._live.name or self._live.run!r} is active: stop it before you start another.",
                run=self._live.name or self._live.run,
            )


def _predict(worker: "Worker", folder: RunFolder, start: int) -> tuple[list[dict[str, Any]], int]:
    return worker.predict(folder, start)


def _catalogue() -> Any:  # noqa: ANN401 - a module
    """The catalogue of models and methods, which loads torch."""
    with _LOADING:
        from engine.service import catalogue  # noqa: PLC0415 - loads torch, in the worker's thread or later than the page

    return catalogue
