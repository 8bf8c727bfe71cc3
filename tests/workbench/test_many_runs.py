"""Many runs cost what has changed among them: what is read of the disk, and what is sent to a page."""

import json
import os
import shutil

import pytest

from app.tabs.runs import lister
from app.words import Say
from engine.config.run import RunConfig
from engine.data.dataset import shipped_datasets
from engine.runs import folder as run_folder
from engine.runs.facts import RunFacts
from engine.runs.files import read_json
from engine.runs.folder import RunFolder
from engine.service.runs import RunStore
from engine.service.status import LiveStatus

RUNS = 200  # enough for counts; benchmarks/many_runs.py times a thousand
LONG_AGO = 1e9


def make_runs(root, number):
    """Finished runs with an adapter each, unchanged for long: copies of one, since only their names matter."""
    first = RunFolder.create(root / "run 0", RunConfig(), RunFacts(name="Run", steps=300, step=300, status="finished"))
    first.adapter_path.mkdir()
    (first.adapter_path / "adapter.safetensors").write_bytes(bytes(100))
    for n in range(1, number):
        shutil.copytree(first.path, root / f"run {n}")
    for path in root.rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))


class Watched:
    """A workbench's runs, and the names of those whose run.json was read since `reads` was cleared.

    Without the rest of a workbench, whose worker loads torch.
    """

    def __init__(self, root, reads):
        self.root, self.reads = root, reads
        self.runs = RunStore(root, LiveStatus)

    def datasets(self):
        return shipped_datasets()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("many")
    make_runs(root, RUNS)
    return root


@pytest.fixture
def watched(root, monkeypatch):
    reads = []
    monkeypatch.setattr(run_folder, "_cache", {})
    monkeypatch.setattr(run_folder, "read_json", lambda path: (reads.append(path.parent.name), read_json(path))[1])
    return Watched(root, reads)


def own(news):
    return [run for run in news["runs"] if not run["recording"]]


@pytest.mark.fault("load", "Hundreds of runs in an idle Runs tab: nothing is read, and some 50 bytes are sent.")
def test_nothing_is_read_or_sent_where_nothing_changed(watched):
    """The first answer has everything; the version in it is all that the next question needs."""
    listed = lister(watched, Say("en"))
    first = listed("")
    assert len(own(first)) == RUNS
    assert len(first["order"]) >= RUNS
    assert len(watched.reads) >= RUNS
    watched.reads.clear()
    again = listed(first["version"])
    assert not watched.reads
    assert again == {"version": first["version"], "order": None, "runs": []}
    assert len(json.dumps(again)) < 80


@pytest.mark.fault("load", "One of hundreds of runs changes: it alone is read and sent, to each page once.")
def test_one_change_is_one_row(watched):
    """A change of its name, of its adapter, a run that is new, one that is gone."""
    runs, listed = watched.runs, lister(watched, Say("en"))
    version = listed("")["version"]
    watched.reads.clear()
    runs.rename("run 7", "Other")
    news = listed(version)
    assert [(run["id"], run["name"]) for run in news["runs"]] == [("run 7", "Other")]
    assert news["order"] is None
    assert set(watched.reads) == {"run 7"}
    (watched.root / "run 8" / "adapter" / "more").write_bytes(bytes(11))
    later = listed(news["version"])
    assert [(run["id"], run["size_bytes"]) for run in later["runs"]] == [("run 8", 111)]
    shutil.copytree(watched.root / "run 7", watched.root / "new")
    assert [run["id"] for run in listed(later["version"])["runs"]] == ["new"]
    runs.delete("new")
    last = listed(later["version"])
    assert not last["runs"]
    assert "new" not in last["order"]
    assert {run["id"] for run in listed(version)["runs"]} == {"run 7", "run 8"}


@pytest.mark.parametrize("version", ["", "x.1", "x", "9" * 5000, "x." + "9" * 5000, None])
def test_unknown_versions_are_told_everything(watched, version):
    """That of another start of the workbench, or no version at all."""
    assert len(own(lister(watched, Say("en"))(version))) == RUNS


def test_the_run_that_trains_is_told_step_by_step(tmp_path):
    """Its step comes from the worker, before any file has it; a run that no process trains is interrupted."""
    make_runs(tmp_path, 2)
    live = [LiveStatus(status="running", run="run 0", step=1)]
    store = RunStore(tmp_path, lambda: live[-1])
    first = store.news("")
    live.append(LiveStatus(status="running", run="run 0", step=2))
    news = store.news(first.version)
    assert [(run.id, run.status, run.step) for run in news.runs] == [("run 0", "running", 2)]
    RunFolder(tmp_path / "run 1").update(status="running", step=5)
    assert {run.id: run.status for run in store.news(news.version).runs} == {"run 1": "interrupted"}


def test_own_runs_hide_recordings_of_their_name(tmp_path):
    """As wherever a run is opened by its name: the table has one row for it."""
    make_runs(tmp_path, 1)
    (tmp_path / "run 0").rename(tmp_path / "lora")
    news = RunStore(tmp_path, LiveStatus).news("")
    assert news.order.count("lora") == 1
    assert [run.recording for run in news.runs if run.id == "lora"] == [False]
