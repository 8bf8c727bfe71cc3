"""An uploaded dataset goes with the last run that needs it, and nothing else does."""

import json
import shutil

import pytest

from engine.config.run import RunConfig
from engine.service.last_start import LastStart
from engine.service.runs import RECORDINGS
from engine.service.visitor import Visitor
from engine.service.workbench import Workbench

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
