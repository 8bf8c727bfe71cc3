"""A run is told to end, whatever it is at: what is kept, and that it then goes on as if nothing had been."""

import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from engine.cli import train
from engine.runs.folder import RunFolder
from engine.service import deferred, worker_thread
from engine.service.worker_thread import WorkerThread
from engine.training import loop
from tests.unit.making import Maker, events_of, finish, losses


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nobody ended."""
    return finish(Maker(tmp_path_factory.mktemp("whole")).start("a"))


@pytest.fixture
def maker(tmp_path):
    return Maker(tmp_path)


def reached(trainer, wanted):
    """Train until a progress is as wanted; the generator stands there."""
    parts = trainer.in_parts()
    next(progress for progress in parts if wanted(progress))
    return parts


STATES = {
    "validating at first": (lambda progress: progress.validating, 0),
    "validating": (lambda progress: progress.validating and progress.step == 4, 4),
    "validating at last": (lambda progress: progress.validating and progress.step == 8, 8),
}


@pytest.mark.fault(
    "killed", "Stop or SIGTERM between the batches of a validation: it is cut off, and made on resumption."
)
@pytest.mark.parametrize(("wanted", "step"), STATES.values(), ids=STATES)
def test_what_is_cut_off_is_made_on_resumption(maker, whole, wanted, step):
    """Nothing is lost: the same losses, validations and best state."""
    trainer = maker.start("a")
    reached(trainer, wanted).close()
    facts = trainer.folder.facts()
    assert (facts.status, facts.step) == ("stopped", step)
    assert any("cut off" in event["message"] for event in events_of(trainer, "status"))
    resumed = finish(maker.resume("a"))
    assert losses(resumed) == losses(whole)
    assert events_of(resumed, "eval") == events_of(whole, "eval")
    assert events_of(resumed, "sample") == events_of(whole, "sample")
    mine, its = resumed.folder.facts(), whole.folder.facts()
    assert (mine.status, mine.best_validation, mine.kept_step) == (its.status, its.best_validation, its.kept_step)


class Ended(BaseException):
    """Ends a thread that stands still."""


def hanging(trainer, monkeypatch, owner, name, calls):
    """Train in a thread until a function is called for the n-th time, which then hangs; returns what ends that."""
    function, count, stands, go_on = getattr(owner, name), [0], threading.Event(), threading.Event()

    def hang(*args, **kwargs):
        count[0] += 1
        if count[0] == calls:
            stands.set()
            go_on.wait(30)
            raise Ended
        return function(*args, **kwargs)

    monkeypatch.setattr(owner, name, hang)

    def run():
        with suppress(Ended):
            finish(trainer)

    thread = threading.Thread(target=run)
    thread.start()
    assert stands.wait(30)

    def end():
        go_on.set()
        thread.join()
        monkeypatch.undo()

    return end


def slow_step(trainer, monkeypatch):
    return hanging(trainer, monkeypatch, trainer._worker.gradients, "_backward", 6)


def slow_validation(trainer, monkeypatch):
    return hanging(trainer, monkeypatch, trainer.validation, "method_events", 2)


@pytest.mark.fault("killed", "SIGTERM in a step, or in one batch of a validation, of minutes: the step before is kept.")
@pytest.mark.parametrize("state", [slow_step, slow_validation])
def test_what_hangs_loses_no_step(maker, whole, monkeypatch, state):
    """As the process ends then, what is on the disk goes on elsewhere."""
    trainer = maker.start("a", save_every=100)
    end = state(trainer, monkeypatch)
    made = trainer.position.step
    assert trainer.keep()
    copy = maker.folder / "copy"
    shutil.copytree(trainer.folder.path, copy)
    end()
    assert (RunFolder.open(copy).facts().status, RunFolder.open(copy).facts().step) == ("stopped", made)
    resumed = finish(maker.resume("copy"))
    assert losses(resumed) == losses(whole)
    assert events_of(resumed, "eval") == events_of(whole, "eval")


@pytest.mark.fault("killed", "SIGTERM while a checkpoint is written to a disk that hangs: the one before stays.")
def test_a_disk_that_hangs_keeps_the_checkpoint_before(maker, monkeypatch):
    monkeypatch.setattr(loop, "KEPT_WITHIN_S", 0.05)
    trainer = maker.start("a")
    end = hanging(trainer, monkeypatch, trainer.recorder, "checkpoint", 3)
    assert not trainer.keep()
    end()
    assert maker.resume("a").position.step == 3


@pytest.fixture
def brief(monkeypatch):
    monkeypatch.setattr(worker_thread, "PATIENCE_S", 0.05)
    monkeypatch.setattr(worker_thread, "CLOSING_S", 0.5)


class Keeper:
    """Stands in for the worker: notes that its run is kept from outside."""

    training = False

    def __init__(self, _notify):
        self.kept = threading.Event()

    def stop(self):
        """Nothing to do."""

    def keep(self):
        self.kept.set()


JOBS = {
    "command": lambda thread, job: thread.submit(job),
    "question": lambda thread, job: thread.submit(job, "ben"),
    "long question": lambda thread, job: thread.stream(lambda worker: iter([job(worker)]), print, "ben"),
}


@pytest.mark.fault(
    "killed", "SIGTERM while a load, an export or one forward of a question takes minutes: the run is kept."
)
@pytest.mark.parametrize("queue", JOBS.values(), ids=JOBS)
def test_a_run_is_kept_beside_a_job_that_hangs(brief, monkeypatch, queue):
    monkeypatch.setattr(deferred, "worker_class", lambda: Keeper)
    thread, stands, go_on = WorkerThread(), threading.Event(), threading.Event()
    queue(thread, lambda _: (stands.set(), go_on.wait(30)))
    assert stands.wait(30)
    thread.close()
    assert thread._worker.kept.is_set()
    go_on.set()
    thread._thread.join(30)


def test_the_command_line_gives_up_what_takes_long(monkeypatch):
    """It keeps the run likewise; whoever stops in time is left alone."""
    monkeypatch.setattr(train, "PATIENCE_S", 0.05)
    given_up = threading.Event()
    with train._stop_signals(given_up.set) as stopped:
        train.signal.raise_signal(train.signal.SIGTERM)
        assert stopped.is_set()
        assert given_up.wait(5)
    given_up.clear()
    monkeypatch.setattr(train, "PATIENCE_S", 0.3)
    with train._stop_signals(given_up.set):
        train.signal.raise_signal(train.signal.SIGTERM)
    assert not given_up.wait(0.5)


@pytest.mark.fault("killed", "A command is told to end while its disk or its data hang: it ends within 15 seconds.")
def test_a_command_that_hangs_ends():
    """Also where it neither stops after its step nor can be given up."""
    code = (
        "from engine.cli import train; import signal, threading; train.ENDS_WITHIN_S = 1; hangs = lambda: "
        "threading.Event().wait()\nwith train._stop_signals(hangs):\n signal.raise_signal(signal.SIGTERM); hangs()"
    )
    ended = subprocess.run([sys.executable, "-c", code], timeout=60, check=False)
    assert ended.returncode == -signal.SIGALRM
    assert train.PATIENCE_S < train.ENDS_WITHIN_S < 15
