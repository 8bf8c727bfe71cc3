"""A full disk at the workbench: the status says that the run waits, and every button still does what it says."""

import errno

import pytest

from engine.core import atomic
from engine.service.workbench import Workbench
from tests.workbench.test_workbench import config, wait

NAMES = atomic.temporary_name


@pytest.fixture
def workbench(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.training.disk_full.RETRY_S", 0.02)
    opened = Workbench(tmp_path / "home")
    yield opened
    monkeypatch.undo()
    opened.close()


def fill(monkeypatch, full):
    """Let the disk be full for checkpoints, or have room."""

    def temporary_name(path):
        if full and "checkpoint" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return NAMES(path)

    monkeypatch.setattr("engine.core.atomic.temporary_name", temporary_name)


def kept_often(steps):
    """A run that is kept after every ten steps."""
    often = config(steps=steps)
    often.training["save_every"] = 10
    return often


def waiting_run(workbench, monkeypatch, steps):
    """A run that waits for room after its first checkpoint."""
    run = workbench.start(kept_often(steps))
    wait(lambda: workbench.live().step > 0)
    fill(monkeypatch, full=True)
    wait(lambda: workbench.live().status == "waiting")
    return run


@pytest.mark.fault("killed", "The page shows a run that waits for room; with room it goes on by itself.")
def test_a_waiting_run_says_so_and_goes_on(workbench, monkeypatch):
    run = waiting_run(workbench, monkeypatch, steps=20)
    assert workbench.runs.since(run, 0, None).status == "waiting"
    fill(monkeypatch, full=False)
    wait(lambda: workbench.live().run is None)
    assert workbench.runs.since(run, 0, None).status == "finished"
    assert not workbench.live().message


@pytest.mark.fault("killed", "Stop is pressed while a run waits for room: it stops at once and can be resumed.")
def test_a_waiting_run_can_be_stopped(workbench, monkeypatch):
    run = waiting_run(workbench, monkeypatch, steps=400)
    workbench.stop()
    assert workbench.live().run is None
    assert workbench.live().problem["key"] == "stopped_full"
    fill(monkeypatch, full=False)
    workbench.resume(run)
    wait(lambda: workbench.live().step > 0)
    assert workbench.live().status == "running"


def test_one_step_on_a_full_disk_pauses_when_it_is_kept(workbench, monkeypatch):
    """The step is made, waits to be kept, and then the run pauses as it was told."""
    workbench.start(kept_often(steps=400))
    wait(lambda: workbench.live().step > 0)
    workbench.pause()
    fill(monkeypatch, full=True)
    for _ in range(20):
        workbench.one_step()
        if workbench.live().status == "waiting":
            break
    step = workbench.live().step
    assert step % 10 == 0
    fill(monkeypatch, full=False)
    wait(lambda: workbench.live().status == "paused")
    assert workbench.live().step == step
