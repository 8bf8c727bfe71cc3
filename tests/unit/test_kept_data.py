"""Uploaded datasets: kept once by content, and no more of each visitor than allowed, archives unpacked."""

import os
import zipfile

import pytest

from engine.core.errors import WorkbenchError
from engine.service.kept_data import KeptData
from engine.service.visitor import OPERATOR, Visitor

BEN, DANA = Visitor("ben", "member"), Visitor("dana", "member")


def bomb(path, octets):
    """A small zip of pictures that have so many bytes unpacked."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for label in ("a", "b"):
            archive.writestr(f"{label}/x.png", b"0" * (octets // 2))
    return path


def test_uploads_are_kept_once_by_content(tmp_path):
    """Two files of one name are two; the same file twice is one, and it stays when the upload goes."""
    data, upload = KeptData(tmp_path / "data"), tmp_path / "rows.csv"
    upload.write_text("a,b\n1,2\n")
    first = data.keep(upload)
    assert data.keep(upload) == first
    upload.write_text("a,b\n3,4\n")
    assert data.keep(upload) != first
    upload.unlink()
    assert first.read_text() == "a,b\n1,2\n"
    assert len(list(tmp_path.rglob("*.csv"))) == 2


@pytest.mark.fault(
    "load", "A visitor uploads small zips that unpack to much: what is too much together is refused, others have room."
)
def test_an_upload_is_found_by_its_name(tmp_path):
    """Of the visitor who asks, the newest of several; nothing elsewhere."""
    data, upload = KeptData(tmp_path / "data"), tmp_path / "rows.csv"
    for number in range(2):
        upload.write_text(f"a,b\n{number},2\n")
        kept = data.keep(upload, BEN)
        os.utime(kept.parent, (number, number))
    assert data.named("rows.csv", BEN) == kept
    for name in ("", "..", "../rows.csv", str(kept), "other.csv"):
        assert data.named(name, BEN) is None
    assert data.named("rows.csv", DANA) is data.named("rows.csv", OPERATOR) is None


def test_unpacked_bytes_are_counted(tmp_path):
    data = KeptData(tmp_path / "data", 2_000_000)
    first = data.keep(bomb(tmp_path / "one.zip", 1_500_000), BEN)
    assert (tmp_path / "one.zip").stat().st_size < 20_000
    assert data.keep(tmp_path / "one.zip", BEN) == first
    with pytest.raises(WorkbenchError) as refused:
        data.keep(bomb(tmp_path / "two.zip", 1_000_000), BEN)
    assert refused.value.key == "no_room_for_upload"
    assert refused.value.values == {"file": "two.zip", "left": "0.5", "limit": "2.0"}
    (tmp_path / "rows.csv").write_bytes(b"x" * 600_000)
    with pytest.raises(WorkbenchError, match=r"rows\.csv has, unpacked, more than the 0\.5 MB"):
        data.keep(tmp_path / "rows.csv", BEN)
    assert len(list(BEN.uploads(tmp_path / "data").iterdir())) == 1
    assert data.keep(tmp_path / "two.zip", DANA).is_dir()


def test_what_no_run_needs_gives_way(tmp_path):
    """A visitor who has started no run with their uploads can go on; what a run needs stays."""
    needed = []
    data = KeptData(tmp_path / "data", 2_000_000, lambda name: iter(c for c in needed if name in str(c)))
    first = data.keep(bomb(tmp_path / "one.zip", 1_500_000), BEN)
    second = data.keep(bomb(tmp_path / "two.zip", 1_600_000), BEN)
    assert (first.exists(), second.exists()) == (False, True)
    needed.append({"dataset": "town-qa", "data": {"validation": str(second)}})
    with pytest.raises(WorkbenchError, match="two more"):
        data.keep(bomb(tmp_path / "two more.zip", 1_700_000), BEN)
    assert second.exists()
    needed[:] = [
        {"dataset": str(data.keep(tmp_path / "one.zip", DANA))},
        {"dataset": "elsewhere/" + second.parent.name},
    ]
    data.keep(tmp_path / "one.zip", BEN)
    assert not second.exists()
