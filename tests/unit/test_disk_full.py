"""A disk that is full for a while: the run waits, says so, goes on as if nothing had been, and leaves nothing half."""

import errno
import logging

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from engine.core.errors import RunError
from engine.core.writing import is_full
from engine.training.checkpoint import check
from tests.unit.making import Maker, events_of, finish, losses


@pytest.fixture
def maker(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.training.disk_full.RETRY_S", 0)
    return Maker(tmp_path)


class Disk:
    """A disk that is full for so many writes, in the two ways in which that is told; tensors stop in the middle."""

    def __init__(self, monkeypatch) -> None:
        self.refusals = 0
        self.where = ""
        from engine.core import atomic

        names = atomic.temporary_name

        def temporary_name(path):
            if path.suffix == ".json" and self._refuses(path):
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
            return names(path)

        def save(tensors, path):
            save_file(tensors, path)
            if self._refuses(path):
                path.write_bytes(path.read_bytes()[:100])
                raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

        monkeypatch.setattr("engine.core.atomic.temporary_name", temporary_name)
        monkeypatch.setattr("engine.core.tensors.save_file", save)

    def _refuses(self, path) -> bool:
        if self.refusals and self.where in str(path):
            self.refusals -= 1
            return True
        return False

    def fill(self, refusals, where=""):
        """Be full for the next writes of files whose path has `where` in it."""
        self.refusals, self.where = refusals, where


@pytest.fixture
def disk(monkeypatch):
    return Disk(monkeypatch)


def half_written(folder):
    """Files and folders of a run that a write has left half."""
    return [path for path in folder.path.rglob("*") if path.suffix in (".tmp", ".new") or path.name.endswith(".new")]


PLACES = [(where, "newest", 3) for where in ("checkpoint", "trainer.json", "adapter/", "run.json")]
PLACES += [("checkpoint", "best", 3), ("/best/", "best", 4)]


@pytest.mark.fault("killed", "The disk is full at a checkpoint: training waits, says so, and ends equal to the bit.")
@pytest.mark.parametrize(("where", "keep", "step"), PLACES)
def test_training_waits_for_room(maker, disk, caplog, where, keep, step):
    """Whatever file of the checkpoint of step 3 is refused, or of the best state at step 4."""
    training = {"keep": keep, "learning_rate": 1e-3}
    whole = finish(maker.start("whole", **training))
    trainer, waits = maker.start("full", **training), 0
    with caplog.at_level(logging.CRITICAL):
        for progress in trainer.run():
            if progress.step == 2 and not progress.waiting:
                disk.fill(7, where)
            if progress.waiting:
                waits += 1
                assert progress.step == step
                assert not half_written(trainer.folder)
                check(trainer.folder.checkpoint_paths[0])
    assert waits == 7
    assert losses(trainer) == losses(whole)
    mine, its = (load_file(run.folder.adapter_path / "adapter.safetensors") for run in (trainer, whole))
    assert all(torch.equal(mine[name], its[name]) for name in its)
    assert trainer.folder.facts().status == "finished"
    said = [event["status"] for event in events_of(trainer, "status")]
    assert said == ["running", "waiting", "running", "finished"]


@pytest.mark.fault("killed", "The disk is full from the first moment or at the last step: training waits likewise.")
@pytest.mark.parametrize("step", [0, 8])
def test_training_waits_at_its_beginning_and_end(maker, disk, step):
    trainer, waits = maker.start("full"), 0
    if step == 0:
        disk.fill(4, "run.json")
    for progress in trainer.run():
        waits += progress.waiting
        if progress.step == 8 and not progress.waiting and waits == 0:
            disk.fill(4, "checkpoint")
    assert waits == 4
    assert trainer.folder.facts().status == "finished"
    assert len(losses(trainer)) == 8


@pytest.mark.fault("killed", "A run that waits for room is stopped: a sentence says which step is kept; it resumes.")
def test_stopped_while_it_waits(maker, disk, caplog, monkeypatch):
    monkeypatch.setattr("engine.runs.log.CLOSE_PATIENCE_S", 0.2)
    whole = finish(maker.start("whole"))
    trainer = maker.start("full")
    steps = trainer.run()
    for progress in steps:
        if progress.step == 5:
            disk.fill(1_000_000)
        if progress.waiting:
            break
    assert trainer.position.step == 6
    with pytest.raises(RunError) as told:
        steps.close()
    assert (told.value.key, told.value.values["kept"]) == ("stopped_full", 3)
    disk.fill(0)
    assert not half_written(trainer.folder)
    resumed = maker.resume("full")
    assert resumed.position.step == 3
    assert losses(finish(resumed)) == losses(whole)


def test_pause_and_go_on_need_no_room(maker, disk, caplog):
    """A pause on a full disk pauses; what it could not keep is kept later."""
    trainer = maker.start("full")
    steps = trainer.run()
    next(steps)
    disk.fill(1_000_000)
    trainer.pause()
    trainer.go_on()
    disk.fill(0)
    assert [progress.step for progress in steps][-1] == 8
    assert trainer.folder.facts().status == "finished"


def test_only_a_full_disk_is_taken_for_one():
    """Other errors of the same types are told as before."""
    full = [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ]
    other = [
        OSError(errno.EACCES, "Permission denied"),
        OSError("odd"),
        SafetensorError("header too large"),
        KeyError(),
    ]
    assert all(map(is_full, full))
    assert not any(map(is_full, other))
