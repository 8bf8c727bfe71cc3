"""Files of open pages: whose they are, and that none are left behind."""

import subprocess
import sys

import pytest

from app.access.scratch import FOLDER, Scratch
from app.access.uploads import Uploads, named_in
from engine.service.visitor import OPERATOR, Visitor

BEN, DANA = Visitor("ben", "member"), Visitor("dana", "member")
NAMELESS = Visitor(role="guest")
HOLD = "import sys; from pathlib import Path; from app.access.scratch import Scratch; "
HOLD += "kept = Scratch.of(Path(sys.argv[1])); "


def test_whose_a_file_is(tmp_path):
    """Of whoever uploaded it, or for whom it was made; links lead nowhere else."""
    uploads = Uploads(tmp_path, 100)
    uploads.remember(BEN, str(tmp_path / "a" / "rows.csv"))
    made = BEN.uploads(tmp_path) / "x" / "adapter.zip"
    assert uploads.belongs(BEN, str(tmp_path / "a" / "rows.csv"))
    assert uploads.belongs(BEN, str(tmp_path / "a" / ".." / "a" / "rows.csv"))
    assert uploads.belongs(BEN, str(made))
    for other in (DANA, NAMELESS):
        assert not uploads.belongs(other, str(tmp_path / "a" / "rows.csv"))
        assert not uploads.belongs(other, str(made))
    for path in ("", "\0", "/etc/passwd", str(tmp_path), str(made / ".." / ".." / ".." / "b")):
        assert not uploads.belongs(BEN, path)
    BEN.uploads(tmp_path).mkdir()
    (BEN.uploads(tmp_path) / "link").symlink_to(tmp_path)
    assert not uploads.belongs(BEN, str(BEN.uploads(tmp_path) / "link" / "c"))
    assert uploads.belongs(OPERATOR, "/anything")


@pytest.mark.fault("network", "A visitor fills the disk with uploads: what is too much together is refused unread.")
def test_uploads_have_a_limit(tmp_path):
    uploads = Uploads(tmp_path, 100)
    (tmp_path / "a").write_bytes(b"x" * 60)
    uploads.remember(BEN, str(tmp_path / "a"))
    assert uploads.full(BEN, 41)
    assert not uploads.full(BEN, 40)
    assert not uploads.full(DANA, 100)


def test_every_way_to_name_a_file():
    body = {"data": [1, [{"path": "a", "meta": {}}], {"x": {"url": "b", "path": None}}, {"path": 3}], "path": "c"}
    assert sorted(named_in(body)) == ["a", "b", "c"]
    assert list(named_in(None)) == []


@pytest.mark.fault(
    "killed", "kill -9 leaves uploads behind: the next start deletes them, but none of a running server."
)
def test_leftovers_go_at_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    killed = HOLD + "import os; os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", killed, str(tmp_path)], check=False)
    (left,) = [path for path in (tmp_path / FOLDER).iterdir() if path.is_dir()]
    (left / "rows.csv").write_text("a,b")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD + "print(flush=True); input()", str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as running:
        running.stdout.readline()
        assert not left.exists()
        mine = Scratch.of(tmp_path)
        assert len([path for path in (tmp_path / FOLDER).iterdir() if path.is_dir()]) == 2
        mine.close()
        running.communicate(b"\n")
    Scratch.of(tmp_path).close()
    assert list((tmp_path / FOLDER).iterdir()) == []
