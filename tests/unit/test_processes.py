"""Two processes train a run as one does, and what goes wrong in one of them is said."""

import os
import socket
import subprocess
import sys

import pytest

from engine.runs.folder import RunFolder
from engine.runs.log import all_events
from engine.training.launch import start_run
from engine.training.processes import Processes
from tests.unit.data_parallel import runs
from tests.unit.making import QUICK, Maker, finish, load, make_dataset

TRAINED = [*QUICK, "in-parts", "one-row"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What two processes trained, resumed, and failed at."""
    folder = tmp_path_factory.mktemp("two")
    make_dataset(folder / "data")
    port = free_port()
    shared = os.environ | {
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2",
        "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.unit.data_parallel", str(folder)]
    both = [subprocess.Popen(command, env=shared | {"RANK": rank, "LOCAL_RANK": rank}) for rank in "01"]
    assert both[0].wait(timeout=300) == 0
    both[1].wait(timeout=60)
    return folder


@pytest.fixture(scope="module")
def by_one(tmp_path_factory):
    """The same runs in one process."""
    maker = Maker(tmp_path_factory.mktemp("one"))
    return lambda name: finish(start_run(maker.folder / name, dict(runs(maker))[name], load)).folder


def curve(folder: RunFolder) -> dict[tuple[str, int], float]:
    found = {}
    for event in all_events(folder.events_path):
        if event["kind"] == "loss":
            found["loss", event["step"]] = event["loss"]
            found["grad_norm", event["step"]] = event["grad_norm"]
        if event["kind"] == "eval":
            found["validation", event["step"]] = event["validation_loss"]
    return found


@pytest.mark.parametrize("name", TRAINED)
def test_two_processes_train_as_one(folder, by_one, name):
    """Every method, at the same global batch: the same losses, norms and validations, over a resumption, too."""
    two = RunFolder.open(folder / name)
    assert (two.status(), two.facts().epoch) == ("finished", 1)
    assert curve(two) == pytest.approx(curve(by_one(name)), abs=3e-5, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "key", "words", "step"),
    [
        ("unlike", "process_failed", "Process 1 of the run failed: The rows of", None),
        ("failing", "process_failed", "Process 1 of the run failed: There are no rows here.", 0),
        ("dying", "process_lost", "Another process of the run is gone", 0),
    ],
)
@pytest.mark.fault("killed", "One of several processes fails or is killed: the run says which, and can be resumed.")
def test_a_process_that_fails(folder, name, key, words, step):
    said = (folder / f"{name}.txt").read_text()
    assert said.startswith(f"{key} {words}")
    assert not (folder / "wrong").exists()
    if step is None:
        assert not (folder / name).exists()  # nothing is left of a run that could not begin
        return
    facts = RunFolder.open(folder / name).facts()
    assert (facts.status, facts.step, facts.problem["key"]) == ("failed", step, key)


def test_one_process_alone(monkeypatch):
    """Without `accelerate launch` there is nobody to tell anything."""
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    alone = Processes.of_environment()
    assert alone.main
    assert alone.alone
    assert alone.share_of([1, 2, 3]) == [1, 2, 3]
    assert alone.total(1.5, 2) == [1.5, 2]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_shares(count):
    """Every row is somebody's, in order."""
    shares = [Processes(rank, count).share_of(list(range(4))) for rank in range(count)]
    assert [row for share in shares for row in share] == list(range(4))
