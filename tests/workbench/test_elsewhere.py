"""Runs that other machines train and mirror: listed, watched, stopped and resumed by a workbench with their place."""

import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from app.launch import main
from app.tabs.runs import lister
from app.words import Say
from engine.config.run import RunConfig
from engine.core.confine import Confinement
from engine.core.errors import RunError, WorkbenchError
from engine.core.sampling import Sampling
from engine.inference.messages import ChatRequest, ChatSide
from engine.runs.elsewhere.mirror import Mirror
from engine.runs.elsewhere.place import Place
from engine.runs.facts import RunFacts
from engine.runs.folder import RunFolder
from engine.service import elsewhere
from engine.service.limits import CLASS
from engine.service.visitor import Visitor
from engine.service.workbench import Workbench
from tests.workbench.test_workbench import wait

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bucket(tmp_path):
    """Stands for one."""
    return f"file://{tmp_path}/bucket"


@pytest.fixture
def started(tmp_path, bucket):
    """Starts the trainer of a run elsewhere, with another home."""
    begun = []

    def start(steps, save_every=50, run="far away"):
        words = [
            "--batch-size=2",
            "--score-rows=0",
            "--eval-every=900",
            f"--steps={steps}",
            f"--save-every={save_every}",
        ]
        out = tmp_path / "other" / run
        command = [sys.executable, "-m", "engine", "train", *words, "--quiet", f"--out={out}", f"--mirror={bucket}"]
        begun.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return begun[-1], RunFolder(out)

    yield start
    for process in begun:
        process.kill()
        process.wait()


@pytest.fixture
def workbench(tmp_path, bucket, monkeypatch):
    """One that has the place; a silent mirror counts as gone sooner."""
    monkeypatch.setattr(elsewhere, "EVERY_S", 0.3)
    monkeypatch.setattr(elsewhere, "LISTED_EVERY", 2)
    opened = Workbench(tmp_path / "home", places=[bucket])
    yield opened
    opened.close()


def row(workbench, run="far away"):
    return next((one for one in workbench.runs.summaries() if one.id == run), None)


def lived(workbench, run="far away"):
    """Steps of the losses that Watch has of a run."""
    return [event["step"] for event in workbench.runs.since(run, 0, None).events if event["kind"] == "loss"]


def test_watched_stopped_and_resumed(workbench, started, bucket):
    """Its losses come while it trains, Stop reaches it, and it goes on here as a run of this machine."""
    process, there = started(steps=100_000)
    wait(lambda: row(workbench) is not None and row(workbench).status == "running", seconds=180)
    assert row(workbench).place == bucket
    wait(lambda: len(lived(workbench)) > 3, seconds=60)
    before = len(lived(workbench))
    wait(lambda: len(lived(workbench)) > before, seconds=60)
    with pytest.raises(RunError, match="stop it first"):
        workbench.resume("far away")
    for change in (lambda: workbench.runs.rename("far away", "x"), lambda: workbench.runs.delete("far away")):
        with pytest.raises(RunError, match="only a copy"):
            change()
    workbench.runs.stop("far away")
    assert process.wait(60) == 0
    assert there.facts().status == "stopped"
    wait(lambda: row(workbench).status == "stopped", seconds=30)
    step = there.facts().step
    assert row(workbench).step == step > 0
    with pytest.raises(RunError, match="nothing to stop"):
        workbench.runs.stop("far away")
    request = ChatRequest(prompt="Hi", sides=(ChatSide(run="far away"),), sampling=Sampling(max_new_tokens=2))
    assert list(workbench.chat(request, threading.Event()))
    assert zipfile.ZipFile(workbench.export("far away", "gatelight")).namelist()
    assert not (workbench.runs.root / "far away").exists()
    workbench.resume("far away")
    wait(lambda: workbench.live().step > step, seconds=120)
    workbench.stop()
    here = RunFolder.open(workbench.runs.root / "far away")
    assert here.facts().step > step
    assert row(workbench).place == ""
    assert [one.id for one in workbench.runs.summaries()].count("far away") == 1
    assert there.facts().step == step


@pytest.mark.fault(
    "killed", "The trainer of a mirrored run is killed: its copy goes on here, from its last checkpoint."
)
def test_killed_elsewhere(workbench, started, monkeypatch):
    """At most `save_every` steps are lost, once the checkpoint before is there."""
    monkeypatch.setattr("engine.runs.elsewhere.copied.SILENT_S", 8.0)
    process, there = started(steps=100_000, save_every=5)
    wait(lambda: row(workbench) is not None and row(workbench).step >= 5, seconds=180)
    process.kill()
    process.wait()
    wait(lambda: row(workbench).status == "interrupted", seconds=60)
    mirrored = row(workbench).step
    assert 5 <= mirrored <= there.facts().step
    workbench.resume("far away")
    wait(lambda: workbench.live().step > mirrored, seconds=120)
    workbench.stop()
    losses = lived(workbench)
    assert losses == sorted(set(losses))


def test_on_the_command_line(started, bucket, tmp_path):
    """Listed, stopped and resumed there, too; the one that goes on can be mirrored again."""
    process, there = started(steps=100_000)
    wait((tmp_path / "bucket" / "far away" / "mirror-1.json").exists, seconds=180)

    def engine(*words):
        command = [sys.executable, "-m", "engine", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=180)

    place = f"{bucket}/far away"
    assert "running" in engine("runs", "--root", bucket).stdout
    refused = engine("resume", place)
    assert refused.returncode
    assert "stop it first" in refused.stderr.splitlines()[-1]
    assert engine("stop", place).returncode == 0
    assert process.wait(60) == 0
    assert there.facts().status == "stopped"
    wrong = engine("resume", place, "--steps=1")
    assert "name as many or more" in wrong.stderr.splitlines()[-1]
    assert "is there already" in engine("resume", place).stderr.splitlines()[-1]
    assert "no mirrored run" in engine("resume", f"{bucket}/nothing").stderr.splitlines()[-1]


@pytest.mark.fault("load", "A place of runs does not answer: neither the page nor the end of the server waits for it.")
def test_a_place_that_hangs(tmp_path, monkeypatch):
    hanging = threading.Event()
    monkeypatch.setattr(Place, "folders", lambda _: hanging.wait(60) and [])
    opened = Workbench(tmp_path / "home", places=["memory://hangs"])
    assert [run for run in opened.runs.summaries() if not run.recording] == []
    opened.close()
    hanging.set()


@pytest.mark.fault("network", "A place of runs is out of reach or unknown: a sentence says so, and all else works.")
def test_a_place_out_of_reach(tmp_path, monkeypatch):
    def gone(place):
        raise place._unreachable(OSError("no route to host"))

    with pytest.raises(SystemExit, match="--runs: carrier-pigeon://roof is of a kind that is not known"):
        main(["--home", str(tmp_path), "--no-browser", "--port", "17860", "--runs", "carrier-pigeon://roof"])
    monkeypatch.setattr(Place, "folders", gone)
    opened = Workbench(tmp_path / "home", places=["memory://gone"])
    wait(lambda: opened.runs.unreachable(), seconds=10)
    assert "no route to host" in str(opened.runs.unreachable()[0])
    told = lister(opened, Say("zh"))("")["problems"]
    assert told == ["无法访问 memory://gone：no route to host。会继续重试。"]
    assert [run for run in opened.runs.summaries() if not run.recording] == []
    opened.close()


@pytest.mark.fault(
    "hand", "A bucket's run names a file of the server, or an owner: it is nobody's, and does not go on."
)
def test_on_a_server(tmp_path):
    """Only a driver may bring it here, and only with data and a model that may be named here."""
    url, who = "memory://class", [Visitor("ann", "member")]
    training = {"accelerate_config": str(tmp_path / "two.yaml")}
    for name, config in (
        ("data", RunConfig(dataset=str(tmp_path))),
        ("model", RunConfig(model=str(tmp_path))),
        ("launched", RunConfig(training=training)),
    ):
        facts = RunFacts(name=name, owner="ann", status="stopped", steps=9)
        made = Mirror(RunFolder.create(tmp_path / "other" / name, config, facts), Place(url), print, new=True)
        made._claim()
        made._round(last=True)
    home = tmp_path / "home"
    opened = Workbench(home, Confinement.of_server(home), lambda: who[0], CLASS, places=[url])
    wait(lambda: len([run for run in opened.runs.summaries() if run.place]) == 3, seconds=10)
    assert {run.owner for run in opened.runs.summaries()} == {""}
    for role in ("member", "watcher"):
        who[0] = Visitor("ann", role)
        for act in (opened.resume, opened.runs.stop):
            with pytest.raises(WorkbenchError) as caught:
                act("data")
            assert caught.value.key in ("run_of_nobody", "watches_only")
    who[0] = Visitor("ben", "driver")
    for name in ("data", "model", "launched"):
        with pytest.raises(WorkbenchError) as caught:
            opened.resume(name)
        assert caught.value.key in ("file_of_server", "model_of_server", "accelerate_of_server")
        assert not (opened.runs.root / name).exists()
    who[0] = Visitor("guest-1", "guest")
    assert not [run for run in opened.runs.summaries() if run.place]
    with pytest.raises(RunError, match="no run"):
        opened.runs.since("data", 0, None)
    opened.close()


def test_the_same_run_at_two_places(tmp_path):
    """It is shown once; a place that is named twice is one place."""
    for number, url in enumerate(("memory://two-a", "memory://two-b")):
        folder = RunFolder.create(tmp_path / url[9:] / "run", RunConfig(), RunFacts(name=str(number), steps=9))
        made = Mirror(folder, Place(url), print, new=True)
        made._claim()
        made._round(last=True)
    opened = Workbench(tmp_path / "home", places=["memory://two-a", "memory://two-b", "memory://two-a"])
    assert len(opened._elsewhere.roots) == 2
    wait(lambda: all((root / "run" / "run.json").exists() for root in opened._elsewhere.roots), seconds=10)
    assert [run.place for run in opened.runs.summaries() if run.id == "run"] == ["memory://two-a"]
    assert opened.runs.folder("run").facts().name == "0"
    opened.close()


def test_two_servers_with_one_home(tmp_path):
    """Each has copies of its own, so that none writes into the other's."""
    opened = [Workbench(tmp_path / "home", places=["memory://one"]) for _ in range(2)]
    roots = {bench._elsewhere.roots[0] for bench in opened}
    assert len(roots) == 2
    for bench in opened:
        bench.close()
    assert sum(root.exists() for root in roots) <= 1
