"""Zips of pictures: unpacked without trusting them."""

import stat
import zipfile
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest

from engine.core.errors import DataError, WorkbenchError
from engine.data.dataset import load_dataset
from engine.data.readers import zips
from engine.data.readers.zips import UnpacksToMoreError, unpack
from engine.service.kept_data import KeptData
from tests.unit.drawing import draw_shapes


def packed(path, members):
    """A zip of names and bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in members.items():
            archive.writestr(name, octets)
    return path


@pytest.mark.parametrize("above", ["", "shapes/", "很多 图片/deep/"])
def test_an_uploaded_zip_is_a_dataset(tmp_path, above):
    """Zipped with or without the folder itself, with a Mac's extras; the same zip is unpacked once."""
    shapes = draw_shapes(tmp_path / "shapes", 5)
    files = {above + str(path.relative_to(shapes)): path.read_bytes() for path in shapes.rglob("*.png")}
    path = packed(tmp_path / "up.zip", {**files, f"__MACOSX/{above}._x.png": b"?", f"{above}.DS_Store": b"?"})
    folder = KeptData(tmp_path / "home" / "data").keep(path)
    assert folder == KeptData(tmp_path / "home" / "data").keep(path)
    assert folder.is_relative_to(tmp_path / "home" / "data")
    dataset = load_dataset(str(folder))
    assert dataset.labels == ["blue square", "red circle"]
    assert sum(dataset.splits.values()) == 10


@pytest.mark.parametrize("name", ["../out.png", "a/../../out.png", "/tmp/out.png", "a\\..\\..\\out.png", "C:\\out.png"])
def test_names_that_lead_out_are_refused(tmp_path, name):
    """Nothing is written outside, and nothing stays inside."""
    path = packed(tmp_path / "up.zip", {"a/x.png": b"x", name: b"evil"})
    with pytest.raises(DataError, match="leads out"):
        unpack(path, tmp_path / "in" / "target")
    assert not list(tmp_path.rglob("*.png"))


def test_links_are_not_made(tmp_path):
    """A link in a zip could point anywhere."""
    link = zipfile.ZipInfo("a/link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = tmp_path / "up.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("a/x.png", b"x")
        archive.writestr("b/x.png", b"x")
    folder = unpack(path, tmp_path / "target")
    assert sorted(file.name for file in folder.rglob("*.*")) == ["x.png", "x.png"]


@pytest.mark.parametrize(
    ("limit", "value", "said"), [("MOST_BYTES", 2**30, "more than 1 GB"), ("MOST_FILES", 1, "1 f")]
)
def test_floods_are_stopped(tmp_path, monkeypatch, limit, value, said):
    """Too many bytes, counted as they come out, or too many files: a sentence, and nothing stays."""
    monkeypatch.setattr(zips, limit, value)
    members = {f"a/{number}.png": b"x" for number in range(3)}
    path = packed(tmp_path / "up.zip", members)
    if limit == "MOST_BYTES":
        monkeypatch.setattr(zips, "_copy_stream", lambda source, written, left: left - 2**29)
    with pytest.raises(DataError, match=said):
        unpack(path, tmp_path / "target")
    assert [one.name for one in tmp_path.iterdir()] == ["up.zip"]


@pytest.mark.parametrize("octets", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_zip_is_said(tmp_path, octets):
    """Empty, nonsense, and a zip without files."""
    path = tmp_path / "up.zip"
    path.write_bytes(octets)
    with pytest.raises(DataError, match=r"up\.zip cannot be unpacked"):
        unpack(path, tmp_path / "target")


def test_old_names_of_windows_in_china_are_read(tmp_path):
    """Names in GB18030, as old programs write them without saying so."""
    path = packed(tmp_path / "up.zip", {"AAAA/x.png": b"x", "BBBB/x.png": b"x"})
    octets = path.read_bytes().replace(b"AAAA", "猫咪".encode("gb18030")).replace(b"BBBB", "小狗".encode("gb18030"))
    path.write_bytes(octets)
    assert {one.name for one in unpack(path, Path(tmp_path / "target")).iterdir()} == {"猫咪", "小狗"}


@pytest.mark.parametrize("limit", ["ratio", "bytes", "disk"])
@pytest.mark.fault("memory", "A zip of kilobytes unpacks to gigabytes: refused before a file of it is written.")
def test_bombs_are_refused_by_their_size(tmp_path, monkeypatch, limit):
    """What it says of itself is an upper bound, since Python's reader gives no more."""
    path = packed(tmp_path / "up.zip", {"a/x.png": bytes(2**20), "b/x.png": b"x"})
    if limit == "ratio":
        monkeypatch.setattr(zips, "SMALL", 2**10)
    elif limit == "bytes":
        monkeypatch.setattr(zips, "MOST_BYTES", 2**19)
    else:
        monkeypatch.setattr(zips.shutil, "disk_usage", lambda _: SimpleNamespace(free=2**19))
    monkeypatch.setattr(zips, "_extract", None)
    with pytest.raises(WorkbenchError, match="disk is full" if limit == "disk" else "cannot be unpacked"):
        unpack(path, tmp_path / "target")
    assert [one.name for one in tmp_path.iterdir()] == ["up.zip"]


@pytest.mark.fault("killed", "Unpacking an upload is cut off in the middle: nothing half-unpacked stays.")
def test_nothing_half_unpacked_stays(tmp_path, monkeypatch):
    """Whatever ends it."""
    path = packed(tmp_path / "up.zip", {"a/x.png": b"x", "b/x.png": b"x"})

    def stopped(source, written, left):
        written.write(b"x")
        raise KeyboardInterrupt

    monkeypatch.setattr(zips, "_copy_stream", stopped)
    with pytest.raises(KeyboardInterrupt):
        unpack(path, tmp_path / "target")
    assert [one.name for one in tmp_path.iterdir()] == ["up.zip"]


def test_a_bomb_beyond_ones_own_share_is_refused_likewise(tmp_path, monkeypatch):
    """What each visitor may keep is less than what a zip may have."""
    path = packed(tmp_path / "up.zip", {"a/x.png": bytes(2**20)})
    monkeypatch.setattr(zips, "_extract", None)
    with pytest.raises(UnpacksToMoreError):
        unpack(path, tmp_path / "target", 2**19)


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.fault("damaged", "A zip has other bytes in the middle, whatever packed it: one sentence, nothing stays.")
def test_damaged_streams(tmp_path, kind):
    """Each way of packing has errors of its own."""
    path = tmp_path / "up.zip"
    with zipfile.ZipFile(path, "w", kind) as archive:
        archive.writestr("a/x.png", Random(0).randbytes(3000) + bytes(3000))
    octets = path.read_bytes()
    for place in range(60, 1000, 20):
        path.write_bytes(octets[:place] + b"\xff\x00" * 10 + octets[place + 20 :])
        with pytest.raises(DataError, match="cannot be unpacked"):
            unpack(path, tmp_path / "target")
    assert [one.name for one in tmp_path.iterdir()] == ["up.zip"]


@pytest.mark.parametrize("name", [".", "\xff\xfe"])
def test_names_that_are_none(tmp_path, name):
    """A name of nothing but a dot, and one that says that it is UTF-8 and is not."""
    path = packed(tmp_path / "up.zip", {"a/x.png": b"x", name: b"x"})
    path.write_bytes(
        path.read_bytes().replace(name.encode(), name.encode("latin-1").ljust(len(name.encode()), b"\xff"))
    )
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(path, tmp_path / "target")
