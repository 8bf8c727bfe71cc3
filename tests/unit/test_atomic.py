"""Atomic writes: two writers, a full disk, a power cut."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.core.atomic import sync_tree, temporary_name, write_json, write_text


@pytest.mark.fault("killed", "Two writers replace the same file at once: each of them writes under a name of its own.")
def test_two_writers_never_share_a_temporary_file(tmp_path):
    """Names differ within a process, too; many threads leave one whole file and nothing beside it."""
    path = tmp_path / "run.json"
    assert len({temporary_name(path) for _ in range(100)}) == 100
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: write_text(path, str(n) * 5000), [1, 2, 3, 4] * 20))
    assert len(set(path.read_text())) == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.fault(
    "killed", "The disk is full while a file is replaced: the old file stays, nothing is left beside it."
)
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    """The temporary file goes with the error."""
    path = tmp_path / "a.json"
    write_json(path, 1)

    def full(self, text, encoding):
        self.write_bytes(b"ha")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="disk is full"):
        write_json(path, 2)
    assert path.read_bytes() == b"1\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def synced(monkeypatch):
    """What is done to the disk, in order: names that are synced, and "rename"."""
    done = []
    real_sync, real_replace = os.fsync, Path.replace

    def fsync(descriptor):
        done.append(Path(f"/proc/self/fd/{descriptor}").resolve().name)
        real_sync(descriptor)

    def replace(self, target):
        done.append("rename")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    return done


@pytest.mark.fault(
    "killed", "Power is cut after a durable write: contents and name were on the disk before it returned."
)
def test_durable_writes_reach_the_disk(tmp_path, synced):
    """First the contents, then the new name; writes that need not last wait for nothing."""
    write_text(tmp_path / "a", "text")
    assert synced == ["rename"]
    synced.clear()
    write_text(tmp_path / "a", "text", durable=True)
    assert synced[0].startswith("a.")
    assert synced[1:] == ["rename", tmp_path.name]


def test_a_tree_is_synced_with_its_folders(tmp_path, synced):
    """Every file and every folder."""
    write_text(tmp_path / "in" / "b", "text")
    synced.clear()
    sync_tree(tmp_path)
    assert sorted(synced) == sorted(["in", "b", tmp_path.name])
