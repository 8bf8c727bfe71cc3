"""Files that cannot be written, outside of training: each is one sentence, and what was there before is as it was."""

import builtins
import errno
import io
import os
import shutil
import zipfile
from pathlib import Path

import pytest
from safetensors import SafetensorError

from app.errors import sentence
from app.tabs.run_actions import served
from app.words import Say
from engine.config.resuming import Resuming
from engine.core.errors import WorkbenchError
from engine.runs.queue import QueueEntry
from engine.runs.scan import new_run_path
from engine.service.rows import RECORDINGS
from engine.service.workbench import Workbench
from engine.tuning.plan import SearchPlan
from tests.workbench.test_workbench import config

REASONS = {
    "full": (errno.ENOSPC, "disk_full"),
    "quota": (errno.EDQUOT, "disk_full"),
    "read-only": (errno.EROFS, "not_written"),
    "forbidden": (errno.EACCES, "not_written"),
}


class Disk:
    """Refuses writes below a folder; on a full one, a new file can be made, but nothing can be put into it."""

    def __init__(self, monkeypatch, root):
        self.root, self.number = root, 0
        self._open, self._open_number, self._mkdir = io.open, os.open, os.mkdir
        for place, name, mine in (
            (io, "open", self.open),
            (builtins, "open", self.open),
            (os, "open", self.open_number),
            (os, "mkdir", self.mkdir),
        ):
            monkeypatch.setattr(place, name, mine)

    def open(self, path, mode="r", *args, **kwargs):
        if set(mode) & set("wax+") and self._refuses(path):
            if self.number in (errno.ENOSPC, errno.EDQUOT):
                self._open(path, mode, *args, **kwargs).close()
            self._tell(path)
        return self._open(path, mode, *args, **kwargs)

    def open_number(self, path, flags, *args, **kwargs):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and self._refuses(path):
            self._tell(path)
        return self._open_number(path, flags, *args, **kwargs)

    def mkdir(self, path, *args, **kwargs):
        if self._refuses(path) and not Path(path).is_dir():
            self._tell(path)
        return self._mkdir(path, *args, **kwargs)

    def _refuses(self, path):
        return self.number and not isinstance(path, int) and str(os.fsdecode(path)).startswith(str(self.root))

    def _tell(self, path):
        raise OSError(self.number, os.strerror(self.number), str(path))

    def held(self):
        """Every file and folder, with what it holds; locks are not counted, nor what SQLite keeps by itself."""
        kept = [path for path in self.root.rglob("*") if "lock" not in path.name and path.name != "trains"]
        kept = [path for path in kept if path.suffix != ".db"]
        return {str(path): path.read_bytes() if path.is_file() else None for path in kept if path.parent != self.root}


@pytest.fixture
def workbench(tmp_path):
    opened = Workbench(tmp_path / "home")
    shutil.copytree(RECORDINGS / "lora", opened.runs.root / "mine")
    yield opened
    opened.close()


@pytest.fixture
def upload(tmp_path):
    """A table and a zip of pictures."""
    (tmp_path / "rows.csv").write_text("question,answer\nWho?,Me.\n")
    with zipfile.ZipFile(tmp_path / "cats.zip", "w") as archive:
        archive.writestr("cats/1.png", b"1" * 100)
    return tmp_path


def entry(workbench, number):
    plain = config(steps=3)
    name = f"{new_run_path(workbench.runs.root, plain).name}-{number}"
    return QueueEntry(run=name, config=plain.to_dict(), state="failed")


def plan():
    return SearchPlan(model="town", dataset="complaints", methods=["lora"], steps=20, trials=2)


ACTS = {
    "a name": lambda it, _: it.runs.rename("mine", "Another"),
    "notes": lambda it, _: it.runs.annotate("mine", "It is good."),
    "tags": lambda it, _: it.runs.tag("mine", "good, better"),
    "an export": lambda it, _: it.export("mine", "gatelight"),
    "an export for peft": lambda it, _: it.export("mine", "peft"),
    "predictions": lambda it, _: it.runs.editable_folder("mine").keep_predictions([{"prompt": "a"}]),
    "an upload": lambda it, folder: it.keep_upload(folder / "rows.csv"),
    "a zip": lambda it, folder: it.keep_upload(folder / "cats.zip"),
    "a new run": lambda it, _: it.start(config(steps=3)),
    "more steps": lambda it, _: it.resume("mine", resuming=Resuming(training={"steps": 400})),
    "the queue": lambda it, _: it.queue.file.add([entry(it, 1)]),
    "a search": lambda it, _: it.searches.start(plan()),
    "a ladder": lambda it, _: it.ladders.start(config(), steps=40),
}


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.fault("killed", "A name, notes, an upload, the queue, an export cannot be written: one sentence says so.")
def test_what_cannot_be_written_is_told(workbench, upload, monkeypatch, act, reason):
    """Whatever is refused, the sentence is there in both languages, and nothing is half-written or lost."""
    number, key = REASONS[reason]
    if act == "the queue":
        workbench.queue.file.add([entry(workbench, 0)])
    disk = Disk(monkeypatch, workbench.home)
    before, disk.number = disk.held(), number
    with pytest.raises(WorkbenchError) as told:
        ACTS[act](workbench, upload)
    disk.number = 0
    assert told.value.key == key
    assert disk.held() == before
    for language in ("en", "zh"):
        assert told.value.values["file"] in sentence(Say(language), told.value)
        assert str(workbench.home) not in sentence(Say(language), told.value)
    ACTS[act](workbench, upload)  # once it can be written, it is done
    assert disk.held() != before


def test_a_file_to_fetch_that_cannot_be_copied(workbench, tmp_path, monkeypatch):
    """An export that is made is copied to where the browser fetches it, which may be another disk."""
    monkeypatch.setattr("app.tabs.run_actions.get_upload_folder", lambda: str(tmp_path / "uploads"))
    made = workbench.export("mine", "gatelight")
    disk = Disk(monkeypatch, tmp_path / "uploads")
    (tmp_path / "uploads").mkdir()
    monkeypatch.setattr("shutil.copy", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
    with pytest.raises(WorkbenchError) as told:
        served(made, workbench.rights.who())
    assert (told.value.key, told.value.values["file"]) == ("disk_full", f"exports/{made.name}")
    assert disk.held() == {}


def test_tensors_are_refused_in_the_words_of_rust(workbench, monkeypatch):
    """What writes tensors raises errors of its own."""

    def save(*_):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("engine.core.tensors.save_file", save)
    with pytest.raises(WorkbenchError) as told:
        workbench.export("mine", "gatelight")
    assert told.value.key == "disk_full"
    assert list((Path(workbench.home) / "exports").glob("*")) == []


def test_a_ladder_without_a_file_queues_nothing(workbench, monkeypatch):
    """Its runs are queued before its file is written: where that fails, they do not wait for nobody."""
    disk = Disk(monkeypatch, workbench.home / "ladders")
    disk.number = errno.ENOSPC
    with pytest.raises(WorkbenchError) as told:
        workbench.ladders.start(config(), steps=40)
    assert told.value.key == "disk_full"
    assert workbench.queue.file.entries() == []


def test_a_search_waits_for_room(workbench, monkeypatch):
    """A full disk between two trials stops no search: it goes on as soon as there is room."""
    monkeypatch.setattr("engine.service.queueing.REST_S", 0.1)
    monkeypatch.setattr(workbench.queue, "look", lambda: None)
    name = workbench.searches.start(plan())
    workbench.queue.file.remove(workbench.queue.file.entries()[0].run)
    disk = Disk(monkeypatch, workbench.home)
    before, disk.number = disk.held(), errno.ENOSPC
    with pytest.raises(WorkbenchError) as told:
        workbench.searches._plan()
    disk.number = 0
    assert told.value.key == "disk_full"
    assert disk.held() == before
    assert workbench.searches.view(name).state == "runs"
    workbench.searches._plan()
    assert len(workbench.queue.file.entries()) == 1
