"""An uploaded dataset goes with the last run that needs it, or unused with its page, and nothing else does."""

import json
import os
import shutil
import time

import pytest

from engine.config.run import RunConfig
from engine.service.kept_data import KeptData
from engine.service.last_start import LastStart
from engine.service.runs import RECORDINGS
from engine.service.sweeping import UNUSED_S, Sweeping
from engine.service.visitor import OPERATOR, Visitor
from engine.service.workbench import Workbench
from engine.tuning.ladder import Ladder

BEN = Visitor("ben", "driver")


@pytest.fixture
def workbench(tmp_path):
    opened = Workbench(tmp_path / "home", who=lambda: BEN)
    yield opened
    opened.close()


def upload(workbench, text="prompt,response\na,b\n", name="rows.csv"):
    file = workbench.home.parent / name
    file.write_text(text)
    return workbench.keep_upload(file)


def run_with(workbench, name, **config):
    """A run of a former day, whose config is another."""
    folder = workbench.runs.root / name
    shutil.copytree(RECORDINGS / "lora", folder)
    facts = json.loads((folder / "run.json").read_text())
    facts["config"] = {**facts["config"], **config}
    (folder / "run.json").write_text(json.dumps(facts))
    return folder


@pytest.mark.fault("hand", "A run is deleted whose uploaded dataset another one needs: it stays until that is gone.")
def test_the_last_run_takes_the_data_along(workbench):
    rows, tests = upload(workbench), upload(workbench, "prompt,response\nc,d\n")
    run_with(workbench, "one", dataset=str(rows), data={"test": str(tests)})
    run_with(workbench, "two", dataset=str(rows))
    run_with(workbench, "three", data={"heldout": str(tests)})
    workbench.runs.delete("one")
    assert (rows.exists(), tests.exists()) == (True, True)
    workbench.runs.delete("two")
    assert (rows.exists(), tests.exists()) == (False, True)
    workbench.runs.delete("three")
    assert not tests.exists()
    assert not list(BEN.uploads(workbench.home / "data").iterdir())


@pytest.mark.fault("hand", "A run is deleted whose data is no upload, wherever it lies: not a file of it goes.")
def test_nothing_but_uploads_goes(workbench, tmp_path):
    data = workbench.home / "data"
    for number, folder in enumerate((tmp_path / "mine", data / "mine", data / "0123456789ab", data)):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rows.csv").write_text("prompt,response\na,b\n")
        run_with(workbench, f"run{number}", dataset=str(folder / "rows.csv"))
    kept = upload(workbench, "prompt,response\ne,f\n")
    (tmp_path / "link.csv").symlink_to(kept)
    run_with(workbench, "folder", dataset=str(data))
    run_with(workbench, "odd", dataset="~nobody/\0x", data={"own_template": "x" * 5000, "validation": None})
    run_with(workbench, "other", dataset=str(kept))
    for name in ("run0", "run1", "run2", "run3", "folder", "odd"):
        workbench.runs.delete(name)
    assert all(
        (folder / "rows.csv").exists() for folder in (tmp_path / "mine", data / "mine", data / "0123456789ab", data)
    )
    assert kept.exists()
    run_with(workbench, "linked", dataset=str(tmp_path / "link.csv"))
    workbench.runs.delete("other")
    assert kept.exists()
    workbench.runs.delete("linked")
    assert not kept.exists()


@pytest.mark.fault("damaged", "A run is deleted while a damaged one, or one that starts, needs its upload: that stays.")
def test_data_stays_for_what_may_need_it(workbench):
    rows = upload(workbench)
    damaged = run_with(workbench, "damaged", dataset=str(rows))
    (damaged / "run.json").write_text((damaged / "run.json").read_text()[:-5])
    run_with(workbench, "one", dataset=str(rows))
    workbench.runs.delete("one")
    assert rows.exists()
    workbench.runs.delete("damaged")
    assert rows.exists()
    run_with(workbench, "two", dataset=str(rows))
    workbench._starting._clicked = LastStart(RunConfig(dataset=str(rows)), "ben", "three")
    with workbench._starting.lock:
        workbench.runs.delete("two")
    assert rows.exists()
    run_with(workbench, "four", dataset=str(rows))
    workbench.runs.delete("four")
    assert not rows.exists()


def age(upload, seconds=UNUSED_S + 9):
    """An upload of a while ago."""
    os.utime(upload.parent, (time.time() - seconds,) * 2)


def ladder_with(workbench, dataset):
    """A ladder that has not begun with anything."""
    ladder = Ladder(
        tag="ladder-1", config={"dataset": str(dataset)}, usual=0.1, rates=[0.1], runs=["x"], rungs=[1], owner="ben",
        created=1.0,
    )  # fmt: skip
    workbench.ladders.file.keep(ladder)


def search_with(workbench, dataset):
    """A search that has not begun with anything."""
    folder = workbench.home / "searches" / "search-1"
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps({"dataset": str(dataset)}))


@pytest.mark.fault(
    "killed", "An upload that no run came to need, or whose run's deletion a kill cut off: it goes at the next start."
)
def test_what_nobody_needs_goes_at_a_start(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.service.queueing.Queueing._serve", lambda _: None)
    first = Workbench(tmp_path / "home")
    names = ("unused", "of a run", "of a ladder", "of a search", "new")
    uploads = {name: upload(first, f"prompt,response\n{name},b\n") for name in names}
    theirs = first._kept_data.keep(tmp_path / "rows.csv", BEN)
    for path in (*uploads.values(), theirs):
        age(path)
    age(uploads["new"], 9)
    run_with(first, "one", dataset=str(uploads["of a run"]))
    ladder_with(first, uploads["of a ladder"])
    search_with(first, uploads["of a search"])
    first.close()
    Workbench(tmp_path / "home").close()
    assert [name for name, path in uploads.items() if not path.exists()] == ["unused"]
    assert not theirs.exists()


@pytest.mark.fault("hand", "A page is closed whose upload no run came to need: it goes when nobody has come back.")
def test_an_unused_upload_goes_after_the_last_page(workbench, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.service.sweeping.AWAY_S", 0.2)
    needed, unused, others = upload(workbench), upload(workbench, "a,b\n1,2\n"), tmp_path / "home" / "data"
    run_with(workbench, "one", dataset=str(needed))
    other = workbench._kept_data.keep(tmp_path / "rows.csv", Visitor("dana", "member"))
    workbench.left(BEN, lambda: False)
    time.sleep(0.6)
    assert unused.exists()
    workbench.left(BEN, lambda: True)
    end = time.monotonic() + 10
    while unused.exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert needed.exists()
    assert other.exists()
    assert others.exists()


def test_who_comes_back_finds_their_upload(workbench, monkeypatch):
    """Each closing counts anew, and those who own nothing leave nothing."""
    monkeypatch.setattr("engine.service.sweeping.AWAY_S", 60)
    sweeping: Sweeping = workbench._sweeping
    workbench.left(Visitor(role="guest"), lambda: True)
    assert not sweeping._timers
    workbench.left(OPERATOR, lambda: True)
    workbench.left(BEN, lambda: True)
    first = sweeping._timers["ben"]
    workbench.left(BEN, lambda: True)
    assert first.finished.is_set()
    assert set(sweeping._timers) == {"", "ben"}
    workbench.close()
    assert not sweeping._timers


def test_a_copy_brought_again_is_new(tmp_path):
    """What is uploaded once more counts from then on."""
    data = KeptData(tmp_path / "data", configs=lambda _: iter(()))
    (tmp_path / "rows.csv").write_text("a,b\n")
    kept = data.keep(tmp_path / "rows.csv")
    age(kept)
    data.keep(tmp_path / "rows.csv")
    data.drop_unused(time.time() - UNUSED_S)
    assert kept.exists()
    data.drop_unused(time.time() + 1)
    assert not kept.exists()
