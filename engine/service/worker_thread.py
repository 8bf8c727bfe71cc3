"""The worker's thread: jobs are executed in order, and training continues between them."""

import dataclasses
import logging
import queue
import threading
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any, TypeVar, cast

from engine.core.errors import RunError
from engine.core.parts import Parts
from engine.service import deferred
from engine.service.line import FairLine
from engine.service.status import LiveStatus

if TYPE_CHECKING:
    from engine.service.worker import Worker

T = TypeVar("T")
R = TypeVar("R")
CLOSING_S = 12
"""Seconds that the active run gets to be stopped and kept."""
PATIENCE_S = 5
"""Seconds of these after which it is kept without the thread, whose job is given up."""
PARTS_OF_A_TURN = 8
"""Tokens of a chat: then it is another visitor's turn, and training makes a step. Of other long questions, each part,
which is a forward pass over many rows, has a turn of its own."""


class WorkerThread:
    """Starts at once; torch is loaded when the first job comes.

    Attributes:
        live: Present status of the worker.
        closing: Set when it shall end: an answer that is being written then ends, too.
    """

    def __init__(self) -> None:
        self.live = LiveStatus()
        self.closing = threading.Event()
        self._jobs: FairLine[Callable[[Worker], None] | None] = FairLine()
        self._streams: set[Future[Any]] = set()
        self._worker: Worker | None = None
        self._thread = threading.Thread(target=self._work, name="gatelight-worker", daemon=True)
        self._thread.start()

    def submit(self, job: "Callable[[Worker], T]", question_of: str | None = None) -> "Future[T]":
        """Queue a job.

        Args:
            job: What to do.
            question_of: The visitor whose question it is, which waits in the fair line; None for a command, which is
                executed before the next training step.

        Raises:
            SettingError: Too many questions are waiting.
        """
        future: Future[T] = Future()

        def run(worker: "Worker") -> None:
            try:
                future.set_result(job(worker))
            except BaseException as error:
                problem = worker.told(error)
            else:
                return
            worker.give_back(problem)
            future.set_exception(problem)
            del problem  # whose traceback may know this frame

        if question_of is None:
            self._jobs.command(run)
        else:
            self._jobs.question(run, question_of)
        return future

    def stream(
        self,
        begin: "Callable[[Worker], Generator[T, None, R]]",
        put: Callable[[T], None],
        question_of: str,
        parts: int = PARTS_OF_A_TURN,
    ) -> "Future[R]":
        """Queue a question whose answer comes in parts; after some of them it gives way to others, and to training.

        Args:
            begin: Begins the answer.
            put: Takes a part.
            question_of: The visitor whose question it is.
            parts: Of a turn.

        Returns:
            Done after the last part, with what the generator returned; cancelled where the thread ends before.

        Raises:
            SettingError: Too many questions are waiting.
        """
        future: Future[R] = Future()
        begun: list[Generator[T, None, R]] = []

        def some(worker: "Worker") -> None:
            try:
                begun[:] = begun or [begin(worker)]
                for _ in range(parts):
                    put(next(begun[0]))
            except StopIteration as end:
                future.set_result(end.value)
                return
            except BaseException as error:
                problem = worker.told(error)
            else:
                self._jobs.goes_on(some, question_of)
                return
            begun.clear()
            worker.give_back(problem)
            future.set_exception(problem)
            del problem  # whose traceback may know this frame

        self._jobs.question(some, question_of)
        self._streams.add(future)
        future.add_done_callback(self._streams.discard)
        return future

    def call(self, job: "Callable[[Worker], T]", question_of: str | None = None) -> T:
        """Queue a job as `submit` does and wait for its result, or raise what it raises."""
        return self.submit(job, question_of).result()

    def call_in_parts(self, begin: "Callable[[Worker], Parts[T]]", question_of: str) -> T:
        """Queue a long question, which gives way after each part, and wait for its result, or raise what it raises.

        Raises:
            RunError: The workbench is closed meanwhile.
        """
        try:
            return self.stream(begin, lambda _: None, question_of, parts=1).result()
        except CancelledError:
            raise RunError("ending", "The workbench is being closed: ask when it runs again.") from None

    def expect(self, run: str) -> None:
        """Set the status to "loading" for a run, also before the worker itself is loaded."""
        self.live = dataclasses.replace(self.live, status="loading", run=run, message="", problem=None)

    def close(self) -> None:
        """Stop the active run, save its state, and end the thread.

        Where the thread is at something that takes longer, as a step of a minute, the run is kept as it was before.
        """
        self.closing.set()
        self.submit(lambda worker: worker.stop())
        self._jobs.command(None)
        self._thread.join(timeout=PATIENCE_S)
        if self._thread.is_alive() and self._worker is not None:
            keeping = threading.Thread(target=self._worker.keep, name="keeping", daemon=True)
            keeping.start()
            keeping.join(timeout=CLOSING_S - PATIENCE_S)

    def _work(self) -> None:
        job = self._jobs.next(training=False)
        worker = self._worker = self._made()
        while job is not None:
            job(worker)
            job = self._next(worker)
        for future in list(self._streams):
            future.cancel()

    def _made(self) -> "Worker":
        try:
            return deferred.worker_class()(self._set_live)
        except Exception as error:
            logging.getLogger(__name__).exception("The engine cannot be loaded.")
            return cast("Worker", NoWorker(self._set_live, error))

    def _next(self, worker: "Worker") -> "Callable[[Worker], None] | None":
        """The next job; while there is none, training steps are made."""
        while worker.training:
            try:
                return self._jobs.next(training=True)
            except queue.Empty:
                worker.advance()
        return self._jobs.next(training=False)

    def _set_live(self, live: LiveStatus) -> None:
        self.live = live


class NoWorker:
    """In place of a worker that cannot be loaded: whatever is asked of it raises the reason, and nothing waits for it.

    Args:
        notify: As for a worker.
        reason: Why there is none.
    """

    training = False

    def __init__(self, notify: Callable[[LiveStatus], None], reason: Exception) -> None:
        self._notify, self._reason = notify, reason

    @staticmethod
    def told(error: BaseException) -> BaseException:
        """An error as it is."""
        return error

    @staticmethod
    def give_back(_: BaseException) -> None:
        """There is nothing."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - there is none
        """Raise the reason."""
        self._notify(LiveStatus(message=str(self._reason)))
        raise self._reason
