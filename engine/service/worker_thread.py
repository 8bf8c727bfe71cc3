"""The thread on which the worker lives: jobs are done in order, and training goes on between them."""

import dataclasses
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from engine.core.types import LiveStatus
from engine.service import deferred

if TYPE_CHECKING:
    from engine.service.worker import Worker

T = TypeVar("T")
CLOSING_S = 30


class WorkerThread:
    """Starts at once; torch is loaded when the first job comes.

    Attributes:
        live: What the worker does right now.
    """

    def __init__(self) -> None:
        self.live = LiveStatus()
        self._jobs: queue.Queue[Callable[[Worker], None] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="gatelight-worker", daemon=True)
        self._thread.start()

    def submit(self, job: "Callable[[Worker], T]") -> "Future[T]":
        """Queue a job; it is done before the next training step."""
        future: Future[T] = Future()

        def run(worker: "Worker") -> None:
            try:
                future.set_result(job(worker))
            except BaseException as error:
                future.set_exception(error)

        self._jobs.put(run)
        return future

    def call(self, job: "Callable[[Worker], T]") -> T:
        """Queue a job and wait for its result, or raise what it raises."""
        return self.submit(job).result()

    def expect(self, run: str) -> None:
        """Say that a run is being loaded, also while the worker itself still is."""
        self.live = dataclasses.replace(self.live, status="loading", run=run, message="", problem=None)

    def close(self) -> None:
        """Stop the active run, keep its work, and end the thread."""
        self.submit(lambda worker: worker.stop())
        self._jobs.put(None)
        self._thread.join(timeout=CLOSING_S)

    def _work(self) -> None:
        job = self._jobs.get()
        worker = deferred.worker_class()(self._set_live)
        while job is not None:
            job(worker)
            job = self._next(worker)

    def _next(self, worker: "Worker") -> "Callable[[Worker], None] | None":
        """The next job; while there is none, training goes on."""
        while worker.training:
            try:
                return self._jobs.get_nowait()
            except queue.Empty:
                worker.advance()
        return self._jobs.get()

    def _set_live(self, live: LiveStatus) -> None:
        self.live = live
