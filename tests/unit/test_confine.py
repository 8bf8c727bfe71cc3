"""Paths that no dataset and no model can be: one sentence each, wherever they are named, and nothing hangs."""

import os
import socket

import pytest

from app.user_data import dataset_name
from engine.core.confine import lies_within, named_path
from engine.core.errors import SettingError, WorkbenchError
from engine.data.dataset import load_dataset
from engine.data.inspect import inspect_data
from engine.data.pixels import NoPictureError, opened
from engine.data.settings import DataSettings
from engine.models.discover import models_in_folder
from engine.models.loading import load_base, load_config
from tests.tiny import save_tiny
from tests.unit.making import make_dataset

ODD = {
    "nul": "rows\0.csv",
    "surrogate": "rows\ud800.csv",
    "name": "a" * 256 + ".csv",
    "path": "/a" * 2100,
    "root": "/",
    "dev": "/dev",
    "zero": "/dev/zero",
    "proc": "/proc/self/environ",
    "stdin": "/dev/stdin",
    "sys": "/sys/kernel",
    "nobody": "~nobody-of-that-name/rows.csv",
}


def made(kind, folder):
    """An odd path of a kind, made where it must be there."""
    path = folder / f"{kind}.csv"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "linked pipe":
        os.mkfifo(folder / "pipe")
        path.symlink_to(folder / "pipe")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(str(path))
    elif kind == "loop":
        path.symlink_to(path)
    else:
        return ODD[kind]
    return str(path)


def sentence_of(act):
    """The one sentence that an act is refused with."""
    with pytest.raises(WorkbenchError) as caught:
        act()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    return caught.value.key


@pytest.mark.fault(
    "paths", "NUL, 256 or 4,200 characters, `/`, devices, /proc, pipes, sockets and loops of links: one sentence."
)
@pytest.mark.parametrize("kind", [*ODD, "pipe", "linked pipe", "socket", "loop"])
def test_odd_paths(kind, tmp_path):
    name = made(kind, tmp_path)
    key = sentence_of(lambda: named_path(name))
    assert key.startswith("path_")
    assert sentence_of(lambda: load_dataset(name)) == key
    assert sentence_of(lambda: load_dataset(str(make_dataset(tmp_path / "d")), DataSettings(test=name))) == key
    assert sentence_of(lambda: inspect_data(name, DataSettings())) == key
    assert sentence_of(lambda: load_config(name)) == key
    assert sentence_of(lambda: load_base(name)) == key


def test_what_may_be_named(tmp_path):
    """Files, folders, links to them, and what is not there."""
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "a.csv")
    for name in (tmp_path, tmp_path / "a.csv", tmp_path / "link", tmp_path / "none.csv", "hub-id/of-a-model"):
        assert named_path(str(name))
    assert dataset_name("owner/name", "", "") == "hub:owner/name"
    with pytest.raises(SettingError):
        dataset_name("owner/" + "n" * 300, "", "")


@pytest.mark.fault("paths", "A pipe in place of a config, of rows, of a picture or its metadata: nothing hangs.")
@pytest.mark.timeout(60)
def test_pipes_within_folders(tmp_path):
    model = save_tiny(tmp_path / "models" / "model")
    (model / "config.json").unlink()
    os.mkfifo(model / "config.json")
    assert sentence_of(lambda: load_config(str(model))) == "path_special"
    assert list(models_in_folder(tmp_path / "models")) == []
    rows = make_dataset(tmp_path / "rows")
    (rows / "train.jsonl").unlink()
    os.mkfifo(rows / "train.jsonl")
    assert sentence_of(lambda: load_dataset(str(rows)).rows("train")) == "path_special"
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    os.mkfifo(pictures / "metadata.csv")
    assert sentence_of(lambda: load_dataset(str(pictures))) == "no_data_file"
    with pytest.raises(NoPictureError):
        opened(pictures / "metadata.csv")


@pytest.mark.fault("paths", "Picture metadata is a link that leads out of its folder: it describes nothing.")
def test_metadata_that_leads_outside(tmp_path):
    (tmp_path / "secret.csv").write_text("file_name,label\nsecret.png,hidden word\n")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "metadata.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(WorkbenchError) as caught:
        load_dataset(str(pictures))
    assert "hidden" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_within(tmp_path):
    """A folder lies within others only if all its links do."""
    home, other = tmp_path / "home", tmp_path / "other"
    (home / "deep").mkdir(parents=True)
    other.mkdir()
    assert lies_within(home / "deep", [home])
    assert lies_within(home / "not there", [home])
    assert not lies_within(home / ".." / "other", [home])
    (home / "deep" / "link").symlink_to(other)
    assert not lies_within(home, [home])
    assert lies_within(home, [home, other])
