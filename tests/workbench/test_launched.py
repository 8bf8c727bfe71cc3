"""Runs that processes of their own train: started, watched, paused, stopped and resumed by the workbench."""

import os
import sys
import time

import psutil
import pytest

from engine.config.run import RunConfig
from engine.core.errors import RunError, SettingError
from engine.models.loading import load_base
from engine.runs.facts import RunFacts
from engine.runs.folder import RunFolder
from engine.runs.requests import GO_ON, PAUSE, STOP, Requests, ask
from engine.service.limits import CLASS, SPACE
from engine.service.workbench import Workbench
from engine.training import launcher
from engine.training.launch import start_run
from tests.workbench.test_workbench import wait


@pytest.fixture
def workbench(tmp_path, monkeypatch):
    """One process stands for several, which `test_processes` shows to train alike."""

    def command(count, device, arguments):
        changed = [word.replace("=2", "=1") if word.startswith("--processes") else word for word in arguments]
        return [sys.executable, "-m", "engine", *changed, *([] if changed != arguments else ["--processes=1"])]

    monkeypatch.setattr(launcher, "launch_command", command)
    opened = Workbench(tmp_path / "home")
    yield opened
    opened.close()


def config(steps, processes=2):
    training = {"batch_size": 4, "eval_every": 400, "score_rows": 0}
    return RunConfig(training={**training, "steps": steps, "processes": processes})


def children():
    return psutil.Process().children(recursive=True)


def test_from_start_to_end(workbench):
    """It shows its steps, pauses, goes on, and ends when it is told to; nothing of it stays, and it can be resumed."""
    before = set(children())
    run = workbench.start(config(steps=400))
    wait(lambda: workbench.live().step > 2, seconds=180)
    workbench.pause()
    wait(lambda: RunFolder.open(workbench.runs.root / run).facts().status == "paused")
    assert workbench.live().status == "paused"
    workbench.go_on()
    at = workbench.live().step
    wait(lambda: workbench.live().step > at)
    workbench.one_step()
    wait(lambda: workbench.live().status == "paused")
    at = workbench.live().step
    workbench.one_step()
    wait(lambda: workbench.live().status == "paused" and workbench.live().step > at)
    workbench.stop()
    assert workbench.live().run is None
    facts = RunFolder.open(workbench.runs.root / run).facts()
    assert (facts.status, facts.epoch) == ("stopped", 1)
    assert facts.step >= at
    assert set(children()) <= before


@pytest.mark.fault("killed", "A run whose processes are still starting is stopped at once, and can be resumed.")
def test_stopped_while_starting(workbench, monkeypatch):
    """Nobody is there yet who could be asked; a pause says so."""
    waits = [sys.executable, "-c", "import time; time.sleep(600)"]
    monkeypatch.setattr(launcher, "launch_command", lambda *_: waits)
    run = workbench.start(config(steps=4))
    with pytest.raises(RunError, match="still starting"):
        workbench.pause()
    began = time.monotonic()
    workbench.stop()
    assert time.monotonic() - began < launcher.ENDS_WITHIN_S
    assert workbench.live().run is None
    assert RunFolder.open(workbench.runs.root / run).status() == "interrupted"


def test_processes_that_fail(workbench, monkeypatch):
    """What they say of it is the run's message."""
    monkeypatch.setattr(launcher, "launch_command", lambda *_: [sys.executable, "-c", "print('error: no'); exit(3)"])
    run = workbench.start(config(steps=4))
    wait(lambda: workbench.live().run is None)
    facts = RunFolder.open(workbench.runs.root / run).facts()
    assert (facts.status, facts.problem["key"]) == ("failed", "processes_ended")
    assert facts.message.endswith("have ended: no")
    assert workbench.live().message == facts.message


def test_as_many_as_the_machine_has(workbench):
    """A process for each core, or each GPU, and one for each visitor of a server."""
    with pytest.raises(SettingError, match=f"has {os.cpu_count()} cores"):
        workbench.start(config(4, processes=64))
    assert workbench.live().status == "idle"
    for limits in (CLASS, SPACE):
        with pytest.raises(SettingError, match="at most 1"):
            limits.check(config(4).of_training())


def test_one_process_alone_says_so(tmp_path):
    """A notebook trains in its own process: asked for two, it says so before anything is made."""
    with pytest.raises(SettingError, match="processes is 2"):
        start_run(tmp_path / "run", config(4), load_base)
    assert not list(tmp_path.iterdir())


def test_requests(tmp_path):
    """The newest one counts, once; one of before, and what is none, do not."""
    folder = RunFolder.create(tmp_path / "run", RunConfig(), RunFacts(name="run"))
    with pytest.raises(RunError, match="not being trained"):
        ask(folder, STOP)
    with folder.owned():
        ask(RunFolder(folder.path), STOP)
        requests = Requests(folder)
        assert requests.new() == ""
        for request in (PAUSE, GO_ON, "sing"):
            ask(RunFolder(folder.path), request)
            requests._looked = 0.0
            assert requests.new() == (request if request != "sing" else "")
        assert requests.new() == ""


@pytest.mark.fault("load", "A process that was started as one of several, and finds itself alone, starts no others.")
def test_launched_processes_start_none(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert not launcher.is_launched()
    for name, value in launcher.launch_environment(2, "cpu").items():
        monkeypatch.setenv(name, value)
    assert launcher.is_launched()


def test_an_accelerate_config(tmp_path):
    """It starts as many processes as it says; the run is watched, stopped and resumed with it, as with `processes`."""
    file = tmp_path / "two.yaml"
    file.write_text("distributed_type: MULTI_CPU\nnum_processes: 2\nuse_cpu: true\nmixed_precision: bf16\n")
    bench = Workbench(tmp_path / "home")
    try:
        training = {"batch_size": 2, "eval_every": 400, "score_rows": 0, "steps": 100, "accelerate_config": str(file)}
        for wrong, key in (("nowhere.yaml", "accelerate_missing"), (str(tmp_path), "accelerate_missing")):
            with pytest.raises(SettingError) as caught:
                bench.start(RunConfig(training={**training, "accelerate_config": wrong}))
            assert caught.value.key == key
        assert not list(bench.runs.root.glob("*"))
        run = bench.start(RunConfig(training=training))
        wait(lambda: bench.live().step > 0, seconds=180)
        bench.stop()
        folder = RunFolder.open(bench.runs.root / run)
        assert folder.facts().status == "stopped"
        assert "2 processes train" in folder.events_path.read_text()
        assert folder.config.of_training().accelerate_config == str(file)
        at = folder.facts().step
        bench.resume(run)
        wait(lambda: bench.live().step > at, seconds=180)
        bench.stop()
        assert folder.facts().step > at
        file.unlink()
        with pytest.raises(SettingError, match="no such file"):
            bench.resume(run)
        assert folder.status() == "stopped"
    finally:
        bench.close()
