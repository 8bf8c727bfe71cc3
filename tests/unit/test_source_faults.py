"""Data that would cost memory or time, or mislead: refused with a sentence before they do."""

import time
from itertools import pairwise
from types import SimpleNamespace

import pyarrow as pa
import pytest
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError
from PIL import Image

from engine.config.run import RunConfig
from engine.core.errors import DataError, SettingError, WorkbenchError
from engine.data import columns
from engine.data.dataset import load_dataset
from engine.data.inspect import inspect_data
from engine.data.pixels import FORMATS
from engine.data.readers import dispatch, pictures
from engine.data.readers.delimited import read_delimited
from engine.data.readers.dispatch import is_source
from engine.data.row_limit import RowLimit
from engine.data.settings import DataSettings
from engine.data.table import Table
from engine.models.load_errors import loading_error


@pytest.mark.parametrize("name", ["a\0b", "a\0.csv", "x" * 256, "x" * 4000 + ".json", "hub:a\0/b", "\ud83d.csv"])
@pytest.mark.fault("paths", "A dataset's name holds a NUL, or thousands of characters: a sentence says so.")
def test_names_that_can_be_no_path(name):
    """Also where columns are shown; asking what a name means raises nothing."""
    for read in (load_dataset, lambda name: inspect_data(name, DataSettings())):
        with pytest.raises(WorkbenchError) as caught:
            read(name)
        assert caught.value.key in ("path_text", "path_long", "bad_hub_name")
    assert is_source(name) in (True, False)


def test_a_home_that_nobody_has_is_no_source():
    """Its folder cannot be known."""
    assert not is_source("~nobody-of-this-name/x")


@pytest.mark.fault("paths", "A home is named as a dataset of pictures: refused before it is walked through.")
def test_a_home_is_no_dataset(tmp_path, monkeypatch):
    """Nor is a folder above it."""
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    (tmp_path / "me").mkdir()
    monkeypatch.setattr(pictures.os, "walk", None)
    for name in (tmp_path / "me", tmp_path):
        with pytest.raises(DataError) as caught:
            load_dataset(str(name))
        assert caught.value.key == "huge_folder"


@pytest.mark.parametrize(("limit", "suffix"), [("MOST_FILES", "png"), ("MOST_OTHERS", "py")])
def test_a_folder_of_too_many_files(tmp_path, monkeypatch, limit, suffix):
    """Walking ends where it is too much, or where next to nothing can be a picture."""
    monkeypatch.setattr(pictures, limit, 5)
    for number in range(9):
        (tmp_path / f"{number}.{suffix}").touch()
    with pytest.raises(DataError, match="no folder of pictures"):
        load_dataset(str(tmp_path))


def test_pictures_among_other_files_are_no_huge_folder(tmp_path, monkeypatch):
    """As where each has a text beside it; and all names of pictures are known as such."""
    monkeypatch.setattr(pictures, "MOST_OTHERS", 5)
    for number in range(9):
        (tmp_path / f"{number}.txt").touch()
    for number in range(3):
        (tmp_path / f"{number}.png").touch()
    assert pictures.folder_stamp(tmp_path)
    Image.init()
    assert {end for end, kind in Image.registered_extensions().items() if kind in FORMATS} <= pictures.OF_PICTURES


@pytest.mark.parametrize("count", [1000, 2000])
@pytest.mark.fault("input", "A table of 1,000 columns: which are asked and answered is guessed in one look.")
def test_wide_tables_are_looked_at_once(monkeypatch, count):
    """Each column's texts are read a few times, however many columns there are."""
    wide = Table(name="wide", data=pa.table({f"c{n}": [f"text {n} {row}" for row in range(5)] for n in range(count)}))
    looks = []
    real = columns.re.fullmatch
    monkeypatch.setattr(columns.re, "fullmatch", lambda *what: looks.append(what) or real(*what))
    columns.guess(wide)
    assert len(looks) <= 5 * count


def test_a_wide_header_is_read_in_one_go(tmp_path):
    """Each name is compared with those before it at once, not one by one."""
    path = tmp_path / "a.csv"
    path.write_text("\n".join(",".join(f"{kind}{n}" for n in range(40_000)) for kind in "cx"))
    before = time.process_time()
    assert len(read_delimited(path, RowLimit(5)).columns) == 40_000
    assert time.process_time() - before < 5  # one by one it is half a minute


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "- " * 5000 + "x", "name: 2024-02-31"])
@pytest.mark.fault("input", "A run file is nested thousands of levels deep: refused with a sentence.")
def test_deep_yaml(text):
    """The parser gives up, and so do we; likewise of a date that is none."""
    with pytest.raises(SettingError) as caught:
        RunConfig.from_yaml(text)
    assert caught.value.key == "bad_yaml"


def raised(*errors):
    """The last one of several errors, of which each came of the one before."""
    for before, error in pairwise(errors):
        error.__cause__ = before
    return errors[-1]


def answered(kind, status):
    """What the hub's client raises of an answer."""
    request = SimpleNamespace(url="https://hub", method="GET")
    return kind("went wrong", response=SimpleNamespace(status_code=status, headers={}, request=request, text=""))


@pytest.mark.parametrize("status", [500, 503, 429])
@pytest.mark.fault("network", "The hub answers 500, 503 or 429: said as the hub's trouble, not as a missing model.")
def test_a_hub_in_trouble(monkeypatch, status):
    """Whatever the libraries wrap around it; likewise where a dataset was asked for."""
    from engine.data.readers import hub

    broken = raised(answered(HfHubHTTPError, status), LocalEntryNotFoundError("not here"), OSError("no connection"))
    found = loading_error("owner/model", broken)
    assert found.key == "hub_trouble"
    assert str(status) in str(found)
    for kind in (FileNotFoundError, OSError, ConnectionError, ValueError):
        error = raised(answered(HfHubHTTPError, status), kind("went wrong"))
        assert refused_dataset(monkeypatch, hub, error).values == {"name": "me/mine", "status": status}


def test_a_hub_that_knows_or_hears_nothing(monkeypatch):
    """It is in no trouble where there is no such dataset; that nobody answers is said, not that there is none."""
    from engine.data.readers import hub

    missing = raised(answered(RepositoryNotFoundError, 404), hub.DatasetNotFoundError("there is none"))
    assert refused_dataset(monkeypatch, hub, missing).key == "hub_missing"
    assert refused_dataset(monkeypatch, hub, ConnectionError("nobody answers")).key == "hub_unreachable"


def refused_dataset(monkeypatch, hub, error):
    """How it is said that the library `datasets` raises this error."""

    def fail(*_, **__):
        raise error

    dispatch._read_hub.cache_clear()
    monkeypatch.setattr(hub, "hub_reachable", lambda: True)
    monkeypatch.setattr(hub.datasets, "load_dataset", fail)
    with pytest.raises(DataError) as caught:
        load_dataset("hub:me/mine")
    return caught.value
