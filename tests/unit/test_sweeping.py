"""A public server does not fill up: caps over all guests, what guests leave is swept, the hub is asked for sizes."""

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub.errors import HfHubHTTPError

from app.access.in_flight import InFlight
from app.access.uploads import Uploads
from engine.config.run import RunConfig
from engine.core.atomic import temporary_name
from engine.core.confine import Confinement
from engine.core.errors import WorkbenchError
from engine.models import hub_size
from engine.runs.facts import BaseFacts, RunFacts
from engine.runs.folder import RunFolder
from engine.service.kept_data import MARK, KeptData
from engine.service.limits import SPACE, UNLIMITED, Limits
from engine.service.permission import Permission
from engine.service.runs import RunStore
from engine.service.status import LiveStatus
from engine.service.sweeping import EVERY_S, HOUR_S, OLD_S, Sweeping
from engine.service.visitor import Visitor

BEN, DANA = Visitor("guest-ben", "guest"), Visitor("guest-dana", "guest")


def run_of(root, name, owner, dataset="town-qa"):
    """A run folder without any training."""
    base = BaseFacts(name="town", fingerprint="x", parameters=1)
    facts = RunFacts(
        name=name, base=base, data={}, trainable=1, steps=1, emits=[], layered=True, head=None, template="",
        pictures=False, chips=[], owner=owner,
    )  # fmt: skip
    return RunFolder.create(root / name, RunConfig(dataset=dataset, method="lora"), facts)


@pytest.mark.fault(
    "load", "Many guests, each within their limit: what all may have together ends that, in one sentence."
)
def test_all_guests_together_have_limits(tmp_path):
    with pytest.raises(WorkbenchError) as refused:
        SPACE.check_runs(lambda: 0, lambda: SPACE.all_runs)
    assert refused.value.key == "server_full"
    data = KeptData(tmp_path / "data", 2000, most_of_all=3000)
    (tmp_path / "rows.csv").write_bytes(b"x" * 1900)
    data.keep(tmp_path / "rows.csv", BEN)
    with pytest.raises(WorkbenchError, match=r"more than the 0\.0 MB that are left"):
        data.keep(tmp_path / "rows.csv", DANA)
    uploads = Uploads(tmp_path, 2000, 3000)
    uploads.remember(BEN, str(tmp_path / "rows.csv"))
    assert not uploads.full(DANA, 1000)
    assert uploads.full(DANA, 1200)
    pages = InFlight(most_pages_of_all=2)
    with pages.one_more(BEN, "page") as first, pages.one_more(DANA, "page") as second:
        assert not first
        assert not second
        with pages.one_more(Visitor("guest-eve", "guest"), "page") as third, pages.one_more(BEN) as request:
            assert third
            assert not request


@pytest.mark.fault("load", "A guest's cookie has expired: their runs and uploads are deleted, all others' stay.")
def test_what_guests_leave_is_swept(tmp_path):
    root, later = tmp_path / "runs", time.time() + 30 * HOUR_S
    store = RunStore(root, lambda: LiveStatus(run="active"))
    data = KeptData(tmp_path / "data", configs=store.configs)
    upload = tmp_path / "rows.csv"
    upload.write_text("a,b\n")
    orphan = data.keep(upload, DANA)
    for name, owner in (("bens", BEN.id), ("active", BEN.id), ("annas", "anna"), ("nobodys", "")):
        run_of(root, name, owner, dataset=str(data.keep(upload, BEN)) if name == "active" else "town-qa")
    Sweeping(store, data, None, lambda: later).now_and_then()
    Sweeping(store, data, 24).now_and_then()
    assert len(list(root.iterdir())) == 4
    clock = [later]
    sweeping = Sweeping(store, data, 24, lambda: clock[0])
    sweeping.now_and_then()
    assert {run.id for run in store.summaries() if not run.recording} == {"active", "annas", "nobodys"}
    assert not orphan.exists()
    assert data.keep(upload, BEN).exists()
    run_of(root, "again", BEN.id)
    clock[0] += EVERY_S - 1
    sweeping.now_and_then()
    assert (root / "again").exists()
    clock[0] += 24 * HOUR_S
    sweeping.now_and_then()
    assert not (root / "again").exists()


@pytest.mark.fault(
    "damaged", "Uploads of an earlier version carry no mark: the old ones that no run needs go at a start."
)
def test_uploads_without_a_mark_are_swept_when_old(tmp_path):
    store = RunStore(tmp_path / "runs", LiveStatus)
    data = KeptData(tmp_path / "data", configs=store.configs)
    folders = {name: tmp_path / "data" / name for name in ("0123456789ab", "123456789abc", "23456789abcd", "my rows")}
    for name, folder in folders.items():
        folder.mkdir(parents=True)
        (folder / "rows.csv").write_text(name)
        os.utime(folder, (1, 1))
    (folders["23456789abcd"] / MARK).touch()
    os.utime(folders["23456789abcd"], (1, 1))
    run_of(tmp_path / "runs", "a", "", dataset=str(folders["123456789abc"] / "rows.csv"))
    Sweeping(store, data, None, lambda: OLD_S + 9).at_start()
    gone = [name for name, folder in folders.items() if not folder.exists()]
    assert gone == ["0123456789ab", "23456789abcd"]  # the latter is an upload that no run needs


KILLED = """
import os, sys
from pathlib import Path
from engine.core.atomic import temporary_name, write_text
from engine.service import kept_data
from engine.service.visitor import Visitor

home = Path(sys.argv[1])
for name in ("exports/a-peft.zip", "queue/queue.json", "ladders/x.json", "searches/search-1/plan.json"):
    (home / name).parent.mkdir(parents=True, exist_ok=True)
    temporary_name(home / name).write_text("half")

def killed(upload, target, left):
    target.mkdir(parents=True)
    (target / "half.png").write_bytes(b"x" * 900)
    os.kill(os.getpid(), 9)

kept_data.unpack = killed
kept_data.KeptData(home / "data", 1000).keep(home / "rows.zip", Visitor("guest-ben", "guest"))
"""


@pytest.mark.fault(
    "killed", "kill -9 amid an export, a write of the queue or an unpacked upload: the next start deletes the halves."
)
def test_half_written_files_go_at_the_next_start(tmp_path):
    (tmp_path / "rows.zip").write_bytes(b"zip")
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    former = BEN.uploads(tmp_path / "data") / "0123456789ab" / ".rows.part"
    former.mkdir(parents=True)
    (tmp_path / "runs" / "old.deleted" / "snapshots").mkdir(parents=True)
    mine = temporary_name(tmp_path / "exports" / "b-peft.zip")
    mine.write_text("half")
    assert len([path for path in tmp_path.rglob("*.tmp") if path != mine]) == 5
    store = RunStore(tmp_path / "runs", LiveStatus)
    data = KeptData(tmp_path / "data", 1000, store.configs)
    Sweeping(store, data, None).at_start()
    assert list(tmp_path.rglob("*.tmp")) == [mine]
    assert not former.parent.exists()
    assert not list((tmp_path / "runs").iterdir())


@pytest.mark.fault("killed", "kill -9 amid an upload, while another server goes on: the half does not count as kept.")
def test_half_an_upload_does_not_count(tmp_path):
    (tmp_path / "rows.zip").write_bytes(b"zip")
    data = KeptData(tmp_path / "data", 1000)
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert len(list((tmp_path / "data").rglob("half.png"))) == 1
    (tmp_path / "rows.csv").write_bytes(b"x" * 900)
    assert data.keep(tmp_path / "rows.csv", BEN).exists()


@pytest.mark.fault("load", "A guest exports adapters and leaves: the zips go with the runs, and none of others'.")
def test_exports_go_with_their_runs(tmp_path):
    root = tmp_path / "runs"
    store = RunStore(root, LiveStatus)
    data = KeptData(tmp_path / "data", configs=store.configs)
    zips = {}
    for name, owner in (("bens", BEN.id), ("bens-x", "anna"), ("annas", "anna"), ("gone", "anna"), ("lora", "")):
        if name not in ("gone", "lora"):
            run_of(root, name, owner)
        zips[name] = store.exports.path(name, "llama_adapter")
        zips[name].parent.mkdir(exist_ok=True)
        zips[name].write_text(name)
    own = store.exports.folder / "my-own.zip"
    own.write_text("own")
    Sweeping(store, data, 24, lambda: time.time() + 30 * HOUR_S).now_and_then()
    assert {name for name, path in zips.items() if path.exists()} == {"bens-x", "annas", "lora"}
    store.delete("annas")
    assert {name for name, path in zips.items() if path.exists()} == {"bens-x", "lora"}
    assert own.exists()


@pytest.mark.fault("killed", "A kill between a run's deletion and that of its exports: they go at the next start.")
def test_exports_without_a_run_go_at_a_start(tmp_path):
    store = RunStore(tmp_path / "runs", LiveStatus)
    left = store.exports.path("gone", "peft")
    left.parent.mkdir()
    left.write_text("zip")
    Sweeping(store, KeptData(tmp_path / "data"), None).at_start()
    assert not left.exists()


@pytest.mark.fault("load", "A guest's run is trained by another process when it is due: the sweep goes on without it.")
def test_a_busy_run_of_a_guest_stays(tmp_path):
    store = RunStore(tmp_path / "runs", LiveStatus)
    busy, other = (run_of(tmp_path / "runs", name, BEN.id) for name in ("busy", "other"))
    with RunFolder(busy.path).owned():
        store.delete_of_guests(time.time() + 1)
    assert (busy.path.exists(), other.path.exists()) == (True, False)


def test_a_hub_in_trouble_is_told_apart_from_one_that_says_no_size(tmp_path, monkeypatch):
    """It is not available right now, whatever the model."""

    def info(*_, **__):
        raise HfHubHTTPError("503", response=SimpleNamespace(status_code=503, headers={}, request=None))

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", info)
    permission = Permission(Confinement.of_server(tmp_path), lambda: BEN, Limits(hub_bytes=1000))
    with pytest.raises(WorkbenchError) as refused:
        permission.check(RunConfig(method="lora", model="acme/asleep"), "session")
    assert (refused.value.key, refused.value.values["status"]) == ("hub_trouble", 503)


def described(monkeypatch, *sizes):
    """The hub says that its repositories hold files of such sizes, or nothing."""
    asked = []

    def info(_api, name, *, files_metadata, timeout):
        asked.append((name, files_metadata, timeout))
        if not sizes:
            raise OSError("no network")
        return SimpleNamespace(
            siblings=[SimpleNamespace(rfilename=f"{n}.safetensors", size=s) for n, s in enumerate(sizes)]
        )

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", info)
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", info)
    hub_size._size.cache_clear()
    return asked


HUB = [("model", {"model": "acme/large"}, "acme/large"), ("dataset", {"dataset": "hub:acme/rows"}, "acme/rows")]
SIZES = {
    "too large": ((600, 500), "hub_too_large"),
    "unknown": ((600, None), "hub_size_unknown"),
    "silent": ((), "hub_size_unknown"),
}


@pytest.mark.fault(
    "hand", "On a Space, a guest names a huge model or dataset of the hub: refused before it is fetched."
)
@pytest.mark.parametrize(("kind", "changes", "name"), HUB, ids=[kind for kind, *_ in HUB])
@pytest.mark.parametrize(("sizes", "key"), SIZES.values(), ids=SIZES)
def test_the_hub_is_asked_before_anything_is_fetched(tmp_path, monkeypatch, kind, changes, name, sizes, key):
    asked = described(monkeypatch, *sizes)
    small = Limits(hub_bytes=1000)
    permission = Permission(Confinement.of_server(tmp_path), lambda: BEN, small)
    with pytest.raises(WorkbenchError) as refused:
        permission.check(RunConfig(method="lora", **changes), "session")
    assert (refused.value.key, refused.value.values["name"]) == (key, name)
    assert asked[0][:2] == (name, True)
    Permission(Confinement.of_server(tmp_path), lambda: BEN, UNLIMITED).check(
        RunConfig(method="lora", **changes), "session"
    )
    described(monkeypatch, 300, 600)
    permission.check(RunConfig(method="lora", **changes), "session")
